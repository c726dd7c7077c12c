// Scanning, packing and unpacking, with vectors of `VECTOR_BYTES` (16 or 32); `WAY` gives the functions their names.
// `each_way.h` includes this for each size.

#if VECTOR_BYTES == 32
/// Whether the key stands at `at`.
ALWAYS int WAY(stands)(const connlog_key *key, const uint8_t *line, size_t length, size_t at) {
    if (length - at < 32) return length - at >= key->length && same(line + at, key->text, key->length);
    __m256i difference = _mm256_xor_si256(_mm256_loadu_si256((const __m256i *)(line + at)),
                                          _mm256_loadu_si256((const __m256i *)key->text));
    return _mm256_testz_si256(difference, _mm256_loadu_si256((const __m256i *)key->mask));
}

ALWAYS void WAY(put_key)(uint8_t *out, const connlog_key *key) {
    _mm256_storeu_si256((__m256i *)out, _mm256_loadu_si256((const __m256i *)key->text));
}

/// As `connlog_plain_string_prefix_within`.
ALWAYS size_t WAY(plain_prefix)(const uint8_t *begin, const uint8_t *p, const uint8_t *end) {
    const __m256i quote = _mm256_set1_epi8('"'), backslash = _mm256_set1_epi8('\\'), least = _mm256_set1_epi8(0x20);
    const uint8_t *q = p;
    for (; end - q >= 32; q += 32) {
        __m256i v = _mm256_loadu_si256((const __m256i *)q);
        __m256i stop = _mm256_or_si256(_mm256_or_si256(_mm256_cmpeq_epi8(v, quote), _mm256_cmpeq_epi8(v, backslash)),
                                       _mm256_cmpgt_epi8(least, v));
        unsigned mask = (unsigned)_mm256_movemask_epi8(stop);
        if (mask) return (size_t)(q - p) + (size_t)__builtin_ctz(mask);
    }
    return (size_t)(q - p) + connlog_plain_string_prefix_within(begin, q, end);
}

/// As `connlog_unpack_uuid`.
ALWAYS void WAY(unpack_uuid)(uint8_t *dst, const uint8_t *src) {
    __m128i bytes = _mm_loadu_si128((const __m128i *)src);
    const __m128i half = _mm_set1_epi8(15), digits = _mm_loadu_si128((const __m128i *)"0123456789abcdef");
    __m128i low = _mm_and_si128(bytes, half), high = _mm_and_si128(_mm_srli_epi16(bytes, 4), half);
    __m128i first = _mm_shuffle_epi8(digits, _mm_unpacklo_epi8(high, low));
    __m128i second = _mm_shuffle_epi8(digits, _mm_unpackhi_epi8(high, low));
    __m128i head = _mm_shuffle_epi8(first, _mm_setr_epi8(0, 1, 2, 3, 4, 5, 6, 7, -1, 8, 9, 10, 11, -1, 12, 13));
    __m128i middle = _mm_or_si128(
        _mm_shuffle_epi8(first, _mm_setr_epi8(14, 15, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1)),
        _mm_shuffle_epi8(second, _mm_setr_epi8(-1, -1, -1, 0, 1, 2, 3, -1, 4, 5, 6, 7, 8, 9, 10, 11)));
    head = _mm_or_si128(head, _mm_setr_epi8(0, 0, 0, 0, 0, 0, 0, 0, '-', 0, 0, 0, 0, '-', 0, 0));
    middle = _mm_or_si128(middle, _mm_setr_epi8(0, 0, '-', 0, 0, 0, 0, '-', 0, 0, 0, 0, 0, 0, 0, 0));
    uint32_t tail = (uint32_t)_mm_extract_epi32(second, 3);
    _mm_storeu_si128((__m128i *)dst, head);
    _mm_storeu_si128((__m128i *)(dst + 16), middle);
    memcpy(dst + 32, &tail, 4);
}

/// As `connlog_pack_uuid`.
ALWAYS int WAY(pack_uuid)(uint8_t *dst, const uint8_t *src) {
    if (src[8] != '-' || src[13] != '-' || src[18] != '-' || src[23] != '-') return 0;
    __m128i head = _mm_loadu_si128((const __m128i *)src), middle = _mm_loadu_si128((const __m128i *)(src + 16));
    __m128i tail = _mm_loadu_si128((const __m128i *)(src + 20));
    __m128i first = _mm_or_si128(
        _mm_shuffle_epi8(head, _mm_setr_epi8(0, 1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 14, 15, -1, -1)),
        _mm_shuffle_epi8(middle, _mm_setr_epi8(-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 0, 1)));
    __m128i second = _mm_or_si128(
        _mm_shuffle_epi8(middle, _mm_setr_epi8(3, 4, 5, 6, 8, 9, 10, 11, 12, 13, 14, 15, -1, -1, -1, -1)),
        _mm_shuffle_epi8(tail, _mm_setr_epi8(-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 12, 13, 14, 15)));
    __m256i text = _mm256_set_m128i(second, first);
    __m256i number = _mm256_sub_epi8(text, _mm256_set1_epi8('0')), letter = _mm256_sub_epi8(text, _mm256_set1_epi8('a'));
    __m256i is_number = _mm256_cmpeq_epi8(_mm256_min_epu8(number, _mm256_set1_epi8(9)), number);
    __m256i is_letter = _mm256_cmpeq_epi8(_mm256_min_epu8(letter, _mm256_set1_epi8(5)), letter);
    if (_mm256_movemask_epi8(_mm256_or_si256(is_number, is_letter)) != -1) return 0;
    __m256i value = _mm256_blendv_epi8(_mm256_add_epi8(letter, _mm256_set1_epi8(10)), number, is_number);
    // Of each pair the first digit is the upper half.
    __m256i pairs = _mm256_maddubs_epi16(value, _mm256_set1_epi16(0x0110));
    __m128i packed = _mm_packus_epi16(_mm256_castsi256_si128(pairs), _mm256_extracti128_si256(pairs, 1));
    _mm_storeu_si128((__m128i *)dst, packed);
    return 1;
}
#else
ALWAYS int WAY(stands)(const connlog_key *key, const uint8_t *line, size_t length, size_t at) {
    if (length - at < connlog_key_bytes_max) return length - at >= key->length && same(line + at, key->text, key->length);
    uint64_t difference = (word64(line + at) ^ word64(key->text)) & word64(key->mask);
    difference |= (word64(line + at + 8) ^ word64(key->text + 8)) & word64(key->mask + 8);
    difference |= (word64(line + at + 16) ^ word64(key->text + 16)) & word64(key->mask + 16);
    return difference == 0;
}

ALWAYS void WAY(put_key)(uint8_t *out, const connlog_key *key) { memcpy(out, key->text, connlog_key_bytes_max); }

#define plain_prefix_16 connlog_plain_string_prefix_within
#define pack_uuid_16 connlog_pack_uuid
#define unpack_uuid_16 connlog_unpack_uuid
#endif

// MARK: Scanning

/// Where the value at `at` ends, which is filed; 0 if it is none of those that are taken.
ALWAYS size_t WAY(scan_value)(const connlog_key *key, const uint8_t *line, size_t length, size_t at, uint64_t *index) {
    if (at >= length) return 0;
    if (line[at] == '"') {
        size_t start = at + 1;
        uint64_t kind = connlog_string;
        at = start + WAY(plain_prefix)(line, line + start, line + length);
        if (at >= length) return 0;
        if (line[at] != '"' && !(at = odd_string(line, length, at, &kind))) return 0;
        index[key->slot] = range_of(start, at - start, kind);
        return at + 1;
    }
    if (line[at] == 'n') {
        if (length - at < 4 || memcmp(line + at, "null", 4) != 0) return 0;
        index[key->slot] = range_of(at, 4, connlog_null);
        return at + 4;
    }
    size_t end = whole_number(line, length, at);
    index[key->slot] = range_of(at, end - at, connlog_number);
    return end;
}

static int WAY(scan)(const connlog_order *order, const uint8_t *line, size_t length, uint8_t message_slot,
                     uint8_t message, uint64_t *index) {
    size_t at = 0, fields = 0;
    memset(index, 0, connlog_index_bytes);
    const connlog_key *run = order->run_first ? &order->keys[order->run_first] : NULL;
    for (const connlog_key *key = order->keys, *end = key + order->key_count; key < end; key++) {
        if (key == run && run_stands(order, line, length, at)) {
            file_run(order, at, index);
            fields = at + order->run_fields;
            at += order->run_length;
            key = &order->keys[order->run_end];
        } else {
            if (!WAY(stands)(key, line, length, at)) return 0;
            at += key->length;
            if (key->kind == connlog_key_closing) {
                index[key->slot] = range_of(fields, at - fields, connlog_object);
                continue;
            }
            if (key->kind == connlog_key_of_fields) {
                fields = at;
                continue;
            }
        }
        at = WAY(scan_value)(key, line, length, at, index);
        if (!at) return 0;
        // Most lines of a log are no events: here they are left.
        if (key->slot == message_slot && !is_word(order, message, line, index[message_slot])) return 0;
    }
    return at + 1 == length && line[at] == '}' && is_word(order, message, line, index[message_slot]);
}

// MARK: Packing

ALWAYS uint8_t *WAY(put_string)(const connlog_order *order, const connlog_key *key, uint8_t *out, const uint8_t *text,
                                size_t length) {
    if (length == 36 && WAY(pack_uuid)(out + 1, text)) {
        *out = tag_uuid;
        return out + 17;
    }
    if (length == 0) {
        *out = tag_empty;
        return out + 1;
    }
    int word = word_of(order, key, text, length);
    if (word >= 0) {
        *out = (uint8_t)(tag_word + word);
        return out + 1;
    }
    int digits = length >= 20 && length <= 30 && text[length - 1] == 'Z' ? connlog_pack_time(out + 1, text, length) : -1;
    if (digits >= 0) {
        *out = (uint8_t)(tag_time + digits);
        return out + 13;
    }
    if (length < 128) {
        *out++ = (uint8_t)(tag_string + length);
    } else {
        *out++ = tag_long_string;
        out = put_length(out, length);
    }
    connlog_copy(out, text, length);
    return out + length;
}

/// Packs the value at `*at` and moves on; NULL if it is not what the index says.
ALWAYS uint8_t *WAY(pack_value)(const connlog_order *order, const connlog_key *key, const uint8_t *line, size_t length,
                                size_t *at, uint64_t range, uint8_t *out) {
    if (*at >= length) return NULL;
    size_t start = (uint32_t)range, size = range >> 36, kind = range >> 32 & 7;
    const uint8_t *text = line + start;
    if (kind == connlog_string || kind == connlog_escaped_string) {
        if (start != *at + 1 || size >= length - *at - 1 || line[*at] != '"' || text[size] != '"') return NULL;
        *at = start + size + 1;
        return kind == connlog_string ? WAY(put_string)(order, key, out, text, size)
                                      : put_literal(out, tag_escaped, tag_long_escaped, text, size);
    }
    if (kind == connlog_absent || start != *at || size > length - *at || size == 0) return NULL;
    *at += size;
    if (kind == connlog_null) {
        if (size != 4 || memcmp(text, "null", 4) != 0) return NULL;
        *out = tag_null;
        return out + 1;
    }
    if (kind_of_other(*text) != kind) return NULL;
    int word = word_of(order, key, text, size);
    if (word < 0) return put_literal(out, tag_other, tag_long_other, text, size);
    *out = (uint8_t)(tag_word + word);
    return out + 1;
}

static size_t WAY(pack)(const connlog_order *order, const uint8_t *line, size_t length, const uint64_t *index,
                        uint8_t *out) {
    uint8_t *to = out;
    size_t at = 0;
    uint64_t fields = 0;
    const connlog_key *run = order->run_first ? &order->keys[order->run_first] : NULL;
    for (const connlog_key *key = order->keys, *end = key + order->key_count; key < end; key++) {
        if (key == run && run_stands(order, line, length, at)) {
            // That the index says so too is not asked: what counts are the bytes.
            memcpy(to, order->run_tags, connlog_run_words_max);
            to += order->run_words;
            fields = index[order->keys[order->run_end - 1].slot];
            if (order->run_has_fields && !is_object_at(fields, at + order->run_fields)) return 0;
            at += order->run_length;
            key = &order->keys[order->run_end];
        } else {
            if (!WAY(stands)(key, line, length, at)) return 0;
            at += key->length;
            if (key->kind == connlog_key_closing) {
                if ((uint32_t)fields + (fields >> 36) != at) return 0;
                continue;
            }
            if (key->kind == connlog_key_of_fields) {
                fields = index[key->slot];
                if (!is_object_at(fields, at)) return 0;
                continue;
            }
        }
        to = WAY(pack_value)(order, key, line, length, &at, index[key->slot], to);
        if (!to) return 0;
    }
    return at + 1 == length && line[at] == '}' ? (size_t)(to - out) : 0;
}

// MARK: Unpacking

/// Where a value is written, and what there is of it.
typedef struct {
    const uint8_t *values;
    size_t count, at;
    uint8_t *out;
    size_t length, to;
} WAY(unpacking);

/// Writes a value of so many bytes that stand in the payload as they are.
ALWAYS int WAY(put_text)(WAY(unpacking) *way, size_t size, uint64_t kind, uint64_t *range) {
    // `to` may be a key beyond the end.
    if (size > way->count - way->at || way->to > way->length || size > way->length - way->to) return 0;
    int is_quoted = kind != connlog_number;
    if (!is_quoted) {
        if (size == 0) return 0;
        kind = kind_of_other(way->values[way->at]);
    }
    if (is_quoted) way->out[way->to++] = '"';
    *range = range_of(way->to, size, kind);
    connlog_copy(way->out + way->to, way->values + way->at, size);
    way->to += size;
    way->at += size;
    if (is_quoted) way->out[way->to++] = '"';
    return 1;
}

ALWAYS int WAY(put_word)(WAY(unpacking) *way, const connlog_order *order, size_t word, uint64_t *range) {
    if (word >= order->word_count) return 0;
    const uint8_t *text = word_text(order, word);
    size_t size = word_length(order, word);
    int is_string = text[0] != '[';
    if (is_string) way->out[way->to++] = '"';
    *range = range_of(way->to, size, is_string ? connlog_string : connlog_array);
    connlog_copy(way->out + way->to, text, size);
    way->to += size;
    if (is_string) way->out[way->to++] = '"';
    return 1;
}

ALWAYS int WAY(put_uuid)(WAY(unpacking) *way, uint64_t *range) {
    if (way->count - way->at < 16) return 0;
    uint8_t *out = way->out + way->to;
    out[0] = '"';
    *range = range_of(way->to + 1, 36, connlog_string);
    WAY(unpack_uuid)(out + 1, way->values + way->at);
    out[37] = '"';
    way->to += 38;
    way->at += 16;
    return 1;
}

ALWAYS int WAY(put_time)(WAY(unpacking) *way, int digits, uint64_t *range) {
    if (way->count - way->at < 12) return 0;
    way->out[way->to++] = '"';
    size_t size = connlog_unpack_time(way->out + way->to, way->values + way->at, digits);
    *range = range_of(way->to, size, connlog_string);
    way->to += size;
    way->out[way->to++] = '"';
    way->at += 12;
    return 1;
}

ALWAYS int WAY(put_null)(WAY(unpacking) *way, uint64_t *range) {
    *range = range_of(way->to, 4, connlog_null);
    memcpy(way->out + way->to, "null", 4);
    way->to += 4;
    return 1;
}

/// A value whose length is written before it.
ALWAYS int WAY(put_literal)(WAY(unpacking) *way, uint8_t tag, uint64_t *range) {
    size_t bytes = tag == tag_escaped || tag == tag_other ? 1 : 4;
    if (way->count - way->at < bytes) return 0;
    size_t size = bytes == 1 ? way->values[way->at] : length_at(way->values + way->at);
    way->at += bytes;
    switch (tag) {
    case tag_long_string: return WAY(put_text)(way, size, connlog_string, range);
    case tag_escaped:
    case tag_long_escaped: return WAY(put_text)(way, size, connlog_escaped_string, range);
    case tag_other:
    case tag_long_other: return WAY(put_text)(way, size, connlog_number, range);
    default: return 0;
    }
}

ALWAYS int WAY(unpack_value)(WAY(unpacking) *way, const connlog_order *order, uint64_t *range) {
    if (way->at >= way->count) return 0;
    uint8_t tag = way->values[way->at++];
    if (tag >= tag_string) return WAY(put_text)(way, tag & 0x7f, connlog_string, range);
    if (tag >= tag_word) return WAY(put_word)(way, order, tag - tag_word, range);
    if (tag == tag_uuid) return WAY(put_uuid)(way, range);
    if (tag == tag_null) return WAY(put_null)(way, range);
    if (tag == tag_empty) return WAY(put_text)(way, 0, connlog_string, range);
    if (tag <= tag_time + 9) return WAY(put_time)(way, tag - tag_time, range);
    return tag <= tag_other ? WAY(put_literal)(way, tag, range) : 0;
}

static int WAY(unpack)(const connlog_order *order, const uint8_t *values, size_t count, size_t length, uint64_t *index,
                       uint8_t *out) {
    WAY(unpacking) way = {.values = values, .count = count, .out = out, .length = length};
    size_t fields = 0;
    memset(index, 0, connlog_index_bytes);
    const connlog_key *run = order->run_first ? &order->keys[order->run_first] : NULL;
    for (const connlog_key *key = order->keys, *end = key + order->key_count; key < end; key++) {
        if (way.to > length) return 0;
        if (key == run && order->run_words <= count - way.at && order->run_length < length - way.to
            && same(values + way.at, order->run_tags, order->run_words)) {
            memcpy(out + way.to, order->run_text, order->run_length);
            file_run(order, way.to, index);
            fields = way.to + order->run_fields;
            way.at += order->run_words;
            way.to += order->run_length;
            key = &order->keys[order->run_end];
        } else {
            WAY(put_key)(out + way.to, key);
            way.to += key->length;
            if (key->kind == connlog_key_closing) {
                index[key->slot] = range_of(fields, way.to - fields, connlog_object);
                continue;
            }
            if (key->kind == connlog_key_of_fields) {
                fields = way.to;
                continue;
            }
        }
        if (!WAY(unpack_value)(&way, order, &index[key->slot])) return 0;
    }
    if (way.at != count || way.to >= length) return 0;
    out[way.to] = '}';
    return way.to + 1 == length;
}
