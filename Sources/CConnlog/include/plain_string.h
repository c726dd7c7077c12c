#pragma once

#include <stddef.h>
#include <stdint.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

/// How many plain bytes of a JSON string begin at `p`: none of them is a quote, a backslash, a control character or
/// above ASCII. Reads nothing outside `begin..<end`, so no room after the end is needed. `begin <= p <= end`.
///
/// Measured: for the 36 bytes of a UUID a byte loop takes 370 instructions, this 55; half of a line is strings.
static inline size_t connlog_plain_string_prefix_within(const uint8_t *_Nonnull begin, const uint8_t *_Nonnull p,
                                                        const uint8_t *_Nonnull end) {
    const uint8_t *q = p;
#ifdef __SSE2__
    const __m128i quote = _mm_set1_epi8('"'), backslash = _mm_set1_epi8('\\'), space = _mm_set1_epi8(0x20);
    while (end - q >= 16) {
        __m128i v = _mm_loadu_si128((const __m128i *)q);
        __m128i stop = _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(v, quote), _mm_cmpeq_epi8(v, backslash)),
                                    _mm_cmplt_epi8(v, space));
        unsigned mask = (unsigned)_mm_movemask_epi8(stop);
        if (mask) return (size_t)(q - p) + (size_t)__builtin_ctz(mask);
        q += 16;
    }
    // The last 16 bytes of the line are loaded once more, and what lies before `q` is shifted out.
    if (end - begin >= 16 && q < end) {
        unsigned before = (unsigned)(16 - (end - q));
        __m128i v = _mm_loadu_si128((const __m128i *)(end - 16));
        __m128i stop = _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(v, quote), _mm_cmpeq_epi8(v, backslash)),
                                    _mm_cmplt_epi8(v, space));
        unsigned mask = (unsigned)_mm_movemask_epi8(stop) >> before;
        return mask ? (size_t)(q - p) + (size_t)__builtin_ctz(mask) : (size_t)(end - p);
    }
#endif
    while (q < end && *q != '"' && *q != '\\' && *q >= 0x20 && *q < 0x80) q++;
    return (size_t)(q - p);
}
