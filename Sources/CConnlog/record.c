// Invariants. Scanning and packing: `at <= length`, and whoever reads n bytes at `at` has seen that `at + n <= length`.
// Unpacking: each step begins with `to <= length` and writes at most `connlog_unpack_slack` bytes unless it has seen that
// what it writes ends within `length`; and reads n bytes at `at` only after `n <= count - at`.
#include "record.h"
#include "packed_time.h"
#include "packed_uuid.h"
#include "plain_string.h"
#include "vectors.h"

enum {
    tag_null = 0, tag_empty = 1, tag_uuid = 2, tag_time = 3, tag_long_string = 0x0d, tag_long_escaped = 0x0e,
    tag_long_other = 0x0f, tag_escaped = 0x10, tag_other = 0x11, tag_word = 0x40, tag_string = 0x80,
};

ALWAYS uint64_t word64(const uint8_t *p) {
    uint64_t word;
    memcpy(&word, p, 8);
    return word;
}

ALWAYS uint64_t range_of(size_t start, size_t length, uint64_t kind) {
    return (uint64_t)start | (uint64_t)length << 36 | kind << 32;
}

ALWAYS int same(const uint8_t *a, const uint8_t *b, size_t n) {
    if (n >= 8) {
        for (size_t i = 0; i + 8 <= n; i += 8)
            if (word64(a + i) != word64(b + i)) return 0;
        return word64(a + n - 8) == word64(b + n - 8);
    }
    for (size_t i = 0; i < n; i++)
        if (a[i] != b[i]) return 0;
    return 1;
}

// MARK: Orders

ALWAYS const uint8_t *word_text(const connlog_order *order, size_t word) { return order->words + order->word_starts[word]; }

ALWAYS size_t word_length(const connlog_order *order, size_t word) {
    return (size_t)(order->word_starts[word + 1] - order->word_starts[word]);
}

int connlog_order_add_word(connlog_order *order, const uint8_t *text, size_t length) {
    uint16_t start = order->word_starts[order->word_count];
    if (order->word_count == connlog_words_max || length > connlog_word_bytes_max || start + length > connlog_words_bytes_max) return 0;
    memcpy(order->words + start, text, length);
    order->word_starts[++order->word_count] = (uint16_t)(start + length);
    return 1;
}

int connlog_order_add_key(connlog_order *order, const uint8_t *text, size_t length, int kind, uint8_t slot,
                          uint8_t first_word, uint8_t word_count) {
    if (order->key_count == connlog_order_keys_max || length > connlog_key_bytes_max || slot >= 32) return 0;
    if (first_word + word_count > order->word_count) return 0;
    connlog_key *key = &order->keys[order->key_count++];
    *key = (connlog_key){.length = (uint8_t)length, .kind = (uint8_t)kind, .slot = slot, .first_word = first_word,
                         .word_count = word_count};
    memcpy(key->text, text, length);
    memset(key->mask, 0xff, length);
    return 1;
}

static void add_to_run(connlog_order *order, const uint8_t *text, size_t length) {
    memcpy(order->run_text + order->run_length, text, length);
    order->run_length += (uint16_t)length;
}

/// A key and the only word that it is expected to have.
static void add_pair_to_run(connlog_order *order, const connlog_key *key) {
    size_t length = word_length(order, key->first_word);
    const uint8_t *text = word_text(order, key->first_word);
    int is_string = text[0] != '[';
    add_to_run(order, key->text, key->length);
    if (is_string) add_to_run(order, (const uint8_t *)"\"", 1);
    order->run_ranges[order->run_words] = range_of(order->run_length, length, is_string ? connlog_string : connlog_array);
    order->run_slots[order->run_words] = key->slot;
    order->run_tags[order->run_words++] = (uint8_t)(tag_word + key->first_word);
    add_to_run(order, text, length);
    if (is_string) add_to_run(order, (const uint8_t *)"\"", 1);
}

void connlog_order_find_run(connlog_order *order) {
    // The first value is a time, so a run is looked for after it.
    size_t at = 1;
    while (at < order->key_count && order->keys[at].word_count == 1 && order->run_words < connlog_run_words_max)
        add_pair_to_run(order, &order->keys[at++]);
    if (!order->run_words) return;
    if (at < order->key_count && order->keys[at].kind == connlog_key_of_fields) {
        add_to_run(order, order->keys[at].text, order->keys[at].length);
        order->run_has_fields = 1;
        order->run_fields = order->run_length;
        at++;
    }
    if (at >= order->key_count || order->keys[at].kind != connlog_key_of_value) return;
    add_to_run(order, order->keys[at].text, order->keys[at].length);
    order->run_first = 1;
    order->run_end = (uint8_t)at;
}

/// Files the values of the run, whose text begins at `start`.
ALWAYS void file_run(const connlog_order *order, size_t start, uint64_t *index) {
    for (size_t i = 0; i < order->run_words; i++) index[order->run_slots[i]] = order->run_ranges[i] + start;
}

ALWAYS int run_stands(const connlog_order *order, const uint8_t *line, size_t length, size_t at) {
    return length - at >= order->run_length && memcmp(line + at, order->run_text, order->run_length) == 0;
}

// MARK: Parts of values

/// Where the digits at `at` end; 0 if there are none.
ALWAYS size_t digits(const uint8_t *line, size_t length, size_t at) {
    size_t first = at;
    while (at < length && (uint8_t)(line[at] - '0') < 10) at++;
    return at == first ? 0 : at;
}

/// A whole number as JSON writes it (RFC 8259 section 6); where it ends, 0 if it is none.
ALWAYS size_t whole_number(const uint8_t *line, size_t length, size_t at) {
    if (at < length && line[at] == '-') at++;
    size_t first = at;
    at = digits(line, length, at);
    // What follows is looked at by whoever compares the next key: a point or an exponent is none.
    return at && line[first] == '0' && at > first + 1 ? 0 : at;
}

/// A number, `true`, `false` or `null` (RFC 8259); where it ends, 0 if it is none.
static size_t scalar(const uint8_t *line, size_t length, size_t at) {
    if (length - at >= 4 && (memcmp(line + at, "null", 4) == 0 || memcmp(line + at, "true", 4) == 0)) return at + 4;
    if (length - at >= 5 && memcmp(line + at, "false", 5) == 0) return at + 5;
    at = whole_number(line, length, at);
    if (at && at < length && line[at] == '.') at = digits(line, length, at + 1);
    if (at && at < length && (line[at] | 0x20) == 'e') {
        at++;
        if (at < length && (line[at] == '+' || line[at] == '-')) at++;
        at = digits(line, length, at);
    }
    return at;
}

ALWAYS int is_continuation(uint8_t byte) { return (byte & 0xc0) == 0x80; }

/// How long the character of several bytes at `p` is (RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF);
/// 0 if it is none.
static size_t character(const uint8_t *p, size_t count) {
    uint8_t first = p[0], second = count > 1 ? p[1] : 0;
    if (!is_continuation(second)) return 0;
    if (first >= 0xc2 && first <= 0xdf) return 2;
    if (first >= 0xe0 && first <= 0xef) {
        if ((first == 0xe0 && second < 0xa0) || (first == 0xed && second > 0x9f)) return 0;
        return count > 2 && is_continuation(p[2]) ? 3 : 0;
    }
    if (first >= 0xf0 && first <= 0xf4) {
        if ((first == 0xf0 && second < 0x90) || (first == 0xf4 && second > 0x8f)) return 0;
        return count > 3 && is_continuation(p[2]) && is_continuation(p[3]) ? 4 : 0;
    }
    return 0;
}

/// How long the escape at `p` is (RFC 8259 section 7); 0 if it is none.
static size_t escape(const uint8_t *p, size_t count) {
    if (count < 2) return 0;
    if (p[1] != 'u') return p[1] != 0 && strchr("\"\\/bfnrt", p[1]) ? 2 : 0;
    for (size_t i = 2; i < 6; i++) {
        if (i >= count) return 0;
        uint8_t digit = p[i], letter = (uint8_t)((p[i] | 0x20) - 'a');
        if ((uint8_t)(digit - '0') > 9 && letter > 5) return 0;
    }
    return 6;
}

/// Where a string ends whose first plain bytes end at `at`: at its closing quote; 0 if it is no string.
__attribute__((noinline)) static size_t odd_string(const uint8_t *line, size_t length, size_t at, uint64_t *kind) {
    while (at < length && line[at] != '"') {
        size_t count = line[at] == '\\' ? escape(line + at, length - at) : line[at] >= 0x80 ? character(line + at, length - at) : 0;
        if (!count) return 0;
        if (line[at] == '\\') *kind = connlog_escaped_string;
        at += count;
        at += connlog_plain_string_prefix_within(line, line + at, line + length);
    }
    return at < length ? at : 0;
}

/// The number of the word that a value is, or -1.
ALWAYS int word_of(const connlog_order *order, const connlog_key *key, const uint8_t *text, size_t length) {
    for (size_t i = key->first_word; i < (size_t)key->first_word + key->word_count; i++) {
        if (word_length(order, i) == length && same(text, word_text(order, i), length)) return (int)i;
    }
    return -1;
}

/// Whether a value is a string and this word.
ALWAYS int is_word(const connlog_order *order, size_t word, const uint8_t *line, uint64_t range) {
    size_t size = range >> 36;
    return (range >> 32 & 7) == connlog_string && word_length(order, word) == size
        && same(line + (uint32_t)range, word_text(order, word), size);
}

ALWAYS int is_object_at(uint64_t range, size_t at) {
    return (range >> 32 & 7) == connlog_object && (uint32_t)range == at;
}

/// A length of 32 bits, least significant byte first, whatever the machine.
ALWAYS uint8_t *put_length(uint8_t *out, size_t length) {
    for (int i = 0; i < 4; i++) *out++ = (uint8_t)(length >> 8 * i);
    return out;
}

/// A value that is kept as it is: its tag for fewer than 256 bytes or its tag for more, and its length.
ALWAYS uint8_t *put_literal(uint8_t *out, uint8_t short_tag, uint8_t long_tag, const uint8_t *text, size_t length) {
    if (length < 256) {
        *out++ = short_tag;
        *out++ = (uint8_t)length;
    } else {
        *out++ = long_tag;
        out = put_length(out, length);
    }
    memcpy(out, text, length);
    return out + length;
}

/// What a value other than a string or null is, by its first byte.
ALWAYS uint64_t kind_of_other(uint8_t first) {
    switch (first) {
    case '{': return connlog_object;
    case '[': return connlog_array;
    case 't':
    case 'f': return connlog_bool;
    default: return connlog_number;
    }
}

ALWAYS size_t length_at(const uint8_t *p) {
    return (size_t)p[0] | (size_t)p[1] << 8 | (size_t)p[2] << 16 | (size_t)p[3] << 24;
}

// MARK: Either way

#define WAY_FILE "record_kernel.h"
#include "each_kernel.h"

int connlog_scan_record(const connlog_order *order, const uint8_t *line, size_t length, uint8_t message_slot,
                        uint8_t message, uint64_t *index) {
    return EITHER(scan, order, line, length, message_slot, message, index);
}

size_t connlog_pack_record(const connlog_order *order, const uint8_t *line, size_t length, const uint64_t *index,
                           uint8_t *out) {
    return EITHER(pack, order, line, length, index, out);
}

int connlog_unpack_record(const connlog_order *order, const uint8_t *values, size_t count, size_t length, uint64_t *index,
                          uint8_t *out) {
    return EITHER(unpack, order, values, count, length, index, out);
}
