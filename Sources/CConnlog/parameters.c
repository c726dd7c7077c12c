// Invariant: a value is looked at only after `start + size <= length` has been seen.
#include "parameters.h"
#include "ascii.h"
#include "record.h"
#include "syslog_text.h"
#include "vectors.h"

ALWAYS int is_empty(uint64_t range) {
    uint64_t kind = range >> 32 & 7;
    return kind == connlog_absent || kind == connlog_null || (kind == connlog_string && range >> 36 == 0);
}

/// Whether the text means itself: what builds write for no value begins with one of these, the nil UUID with two zeros.
ALWAYS int is_ordinary(const uint8_t *text, size_t size, int is_address) {
    switch (text[0]) {
    case '{':
    case '<':
    case '\\': return 0;
    case '0':
        if (size > 1 && text[1] == '0') return 0;
        break;
    case ':': return !is_address;
    default: break;
    }
    if (!is_address) return 1;
    return !(size >= 3 && text[size - 3] == '/') && !(size >= 4 && text[size - 4] == '/');
}

enum { PARAMETER = connlog_syslog_parameter | connlog_syslog_plain };

/// The rest of a message, which is short.
ALWAYS size_t message_rest(uint8_t *dst, const uint8_t *src, size_t n, int *is_ascii) {
    if (!connlog_is_ascii(src, n)) *is_ascii = 0;
    return connlog_copy_syslog_text(dst, src, n, 0);
}

#define WAY_FILE "parameters_kernel.h"
#include "each_kernel.h"

size_t connlog_append_parameters(const connlog_parameter *list, size_t count, size_t *next, const uint8_t *record,
                                 size_t length, const uint64_t *index, uint8_t *out) {
    return EITHER(parameters, list, count, next, record, length, index, out);
}

size_t connlog_copy_syslog_message(uint8_t *dst, const uint8_t *src, size_t n, int *is_ascii) {
    return EITHER(message, dst, src, n, is_ascii);
}
