#pragma once

#include <stddef.h>
#include <stdint.h>

// Lines of connection events whose keys stand in an order that is known, read and written key by key in one go. coderd
// writes all its lines so; what any of these functions does not take is left to the general way, in Swift.
//
// Measured, per event: as Swift, key by key, packing took 5,000 instructions and unpacking 3,100; this takes 2,000 and
// 1,500. Scanning a line that may be anything takes 3,300 instructions, one of these 1,900.

enum {
    connlog_key_bytes_max = 24,
    /// What follows is zeros: one vector.
    connlog_key_room = 32,
    connlog_word_bytes_max = 96,
    connlog_order_keys_max = 32,
    connlog_words_max = 64,
    connlog_words_bytes_max = 1024,
    connlog_run_words_max = 8,
    /// What a step of unpacking may write after the line's end: a key, a word in quotes, 16 bytes of a vector.
    connlog_unpack_slack = connlog_key_bytes_max + connlog_word_bytes_max + 32,
    /// What packing may write more than a line has bytes: five more for each value, the rest of a vector.
    connlog_pack_slack = 6 * connlog_order_keys_max + 64,
};

enum { connlog_key_of_value, connlog_key_of_fields, connlog_key_closing };

/// What stands before a value: `,"key":`, the first of an object with a brace; or the brace that closes `fields`.
typedef struct {
    uint8_t text[connlog_key_room], mask[connlog_key_room];
    uint8_t length, kind;
    /// Which of the 32 numbers of an index is the value's.
    uint8_t slot;
    /// Words that the value often is.
    uint8_t first_word, word_count;
} connlog_key;

/// Keys, and the values between them that are nearly always the same, as one text. No pointers: it may be copied.
typedef struct {
    uint8_t key_count, word_count;
    connlog_key keys[connlog_order_keys_max];
    /// Frequent values, one after the other; those that begin with `[` are no strings.
    uint8_t words[connlog_words_bytes_max];
    uint16_t word_starts[connlog_words_max + 1];

    /// The run: from the key `run_first` on, to before the value of the key `run_end`; `run_first` is 0 without one.
    uint8_t run_first, run_end, run_words, run_has_fields;
    uint16_t run_length, run_fields;
    uint8_t run_tags[connlog_run_words_max], run_slots[connlog_run_words_max];
    uint64_t run_ranges[connlog_run_words_max];
    uint8_t run_text[1024];
} connlog_order;

/// Adds a frequent value to an order that is all zeros. These three give 0 when there is no more room.
int connlog_order_add_word(connlog_order *_Nonnull order, const uint8_t *_Nonnull text, size_t length);
/// Adds a key, after all words: its text with the opener in front and the colon after.
int connlog_order_add_key(connlog_order *_Nonnull order, const uint8_t *_Nonnull text, size_t length, int kind,
                          uint8_t slot, uint8_t first_word, uint8_t word_count);
/// Finds the run, when all keys are there.
void connlog_order_find_run(connlog_order *_Nonnull order);

enum { connlog_index_bytes = 32 * 8 };

// The 32 numbers of an index say for each slot where its value lies, without quotes: the start in bits 0 to 31, what it
// is in 32 to 34, the length in 36 to 63.
enum {
    connlog_absent, connlog_string, connlog_escaped_string, connlog_number, connlog_null, connlog_bool, connlog_object,
    connlog_array,
};

/// What scanning finds; 0 is nothing.
enum { connlog_line_is_event = 1, connlog_line_is_other = 2 };

/// Checks a line strictly (RFC 8259), without blanks. An event has exactly these keys and values that are strings, whole
/// numbers or null; `index` is filled. Another line has these keys up to `message_slot`, where another word stands than
/// `message`, and then any; of two messages the last would count, so such lines are left to the general way, and so are audit
/// logs. 0 if it is anything else. If it is no event the index is useless.
///
/// Measured, with all that the decoder does for a line: one that is no event takes 5,700 instructions the general way, 2,300
/// this way.
int connlog_scan_record(const connlog_order *_Nonnull order, const uint8_t *_Nonnull line, size_t length,
                        uint8_t message_slot, uint8_t message, uint64_t *_Nonnull index);

/// Packs the values of a line, each of whose bytes it compares with the order or copies. Writes at most `length +
/// connlog_pack_slack` bytes and returns how many count; 0 if the line is not of this order.
size_t connlog_pack_record(const connlog_order *_Nonnull order, const uint8_t *_Nonnull line, size_t length,
                           const uint64_t *_Nonnull index, uint8_t *_Nonnull out);

/// The way back: writes a line of `length` bytes from `count` bytes of values, at most `connlog_unpack_slack` more, and
/// fills `index`. 0 if the values are not those of such a line.
int connlog_unpack_record(const connlog_order *_Nonnull order, const uint8_t *_Nonnull values, size_t count, size_t length,
                          uint64_t *_Nonnull index, uint8_t *_Nonnull out);
