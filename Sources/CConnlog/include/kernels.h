#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

/// How many plain bytes of a JSON string begin at `p`: none of them is a quote, a backslash, a control character or
/// above ASCII. Reads nothing outside `begin..<end`, so no room behind the end is needed. `begin <= p <= end`.
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

/// memcpy for what is mostly a few dozen bytes, such as a value of a record: no call, and no byte outside is touched.
/// `n` bytes are readable at `src` and writable at `dst`, which do not overlap.
static inline void connlog_copy(void *_Nonnull dst, const void *_Nonnull src, size_t n) {
    uint8_t *d = (uint8_t *)dst;
    const uint8_t *s = (const uint8_t *)src;
    uint64_t first, last;
#ifdef __SSE2__
    if (n >= 16) {
        if (n > 256) {
            memcpy(d, s, n);
            return;
        }
        // The last 16 bytes may be copied twice.
        __m128i end = _mm_loadu_si128((const __m128i *)(s + n - 16));
        for (size_t i = 0; i + 16 < n; i += 16)
            _mm_storeu_si128((__m128i *)(d + i), _mm_loadu_si128((const __m128i *)(s + i)));
        _mm_storeu_si128((__m128i *)(d + n - 16), end);
        return;
    }
#else
    if (n >= 16) {
        memcpy(d, s, n);
        return;
    }
#endif
    if (n >= 8) {
        memcpy(&first, s, 8);
        memcpy(&last, s + n - 8, 8);
        memcpy(d, &first, 8);
        memcpy(d + n - 8, &last, 8);
        return;
    }
    if (n >= 4) {
        uint32_t low, high;
        memcpy(&low, s, 4);
        memcpy(&high, s + n - 4, 4);
        memcpy(d, &low, 4);
        memcpy(d + n - 4, &high, 4);
        return;
    }
    for (size_t i = 0; i < n; i++) d[i] = s[i];
}

/// Copies up to `n` bytes and stops before the first that may not stand in syslog text as it is: a control character
/// or DEL, and with `in_parameter` also `"`, `\` and `]` (RFC 5424 section 6.3.3). Returns how many were copied. Reads
/// nothing outside `src..<src + n`; may write up to 15 bytes behind what it copied.
static inline size_t connlog_copy_syslog_text(uint8_t *_Nonnull dst, const uint8_t *_Nonnull src, size_t n,
                                              int in_parameter) {
    size_t i = 0;
#ifdef __SSE2__
    const __m128i control = _mm_set1_epi8(0x1f), del = _mm_set1_epi8(0x7f), quote = _mm_set1_epi8('"');
    const __m128i even = _mm_set1_epi8((char)0xfe), backslash = _mm_set1_epi8('\\');
    while (n >= 16 && i < n) {
        // The last 16 bytes are copied once more with what is left, so that no byte behind `n` is read.
        size_t at = n - i >= 16 ? i : n - 16;
        __m128i v = _mm_loadu_si128((const __m128i *)(src + at));
        __m128i stop = _mm_or_si128(_mm_cmpeq_epi8(_mm_min_epu8(v, control), v), _mm_cmpeq_epi8(v, del));
        if (in_parameter) {
            // '\\' is 0x5c and ']' is 0x5d.
            stop = _mm_or_si128(stop, _mm_cmpeq_epi8(_mm_and_si128(v, even), backslash));
            stop = _mm_or_si128(stop, _mm_cmpeq_epi8(v, quote));
        }
        _mm_storeu_si128((__m128i *)(dst + at), v);
        unsigned mask = (unsigned)_mm_movemask_epi8(stop);
        if (mask) return at + (size_t)__builtin_ctz(mask);
        i = at + 16;
    }
#endif
    for (; i < n; i++) {
        uint8_t c = src[i];
        if (c < 0x20 || c == 0x7f || (in_parameter && (c == '"' || (c & 0xfe) == '\\'))) return i;
        dst[i] = c;
    }
    return n;
}

/// The same for the text of a message, which is long and nearly all ASCII. `*is_ascii` becomes 0 if a byte it has copied, or
/// one of the 64 behind them, is above ASCII.
size_t connlog_copy_syslog_message(uint8_t *_Nonnull dst, const uint8_t *_Nonnull src, size_t n, int *_Nonnull is_ascii);

/// 128 bits made of the text of an id; upper and lower case make the same. Not for what others choose to collide: an id
/// that is taken for another costs a repeated event at most.
static inline void connlog_fold_id(const uint8_t *_Nonnull id, size_t n, uint64_t *_Nonnull low, uint64_t *_Nonnull high) {
    uint64_t a = 0x9e3779b97f4a7c15ull, b = 0xc2b2ae3d27d4eb4full;
    for (size_t i = 0; i < n; i += 8) {
        uint64_t word = 0;
        if (n - i >= 8) memcpy(&word, id + i, 8);
        else memcpy(&word, id + i, n - i);
        word |= 0x2020202020202020ull;
        a = (a ^ word) * 0xff51afd7ed558ccdull;
        a ^= a >> 32;
        b = (b ^ word) * 0xc4ceb9fe1a85ec53ull;
        b ^= b >> 29;
    }
    *low = a ^ n;
    *high = b;
}

/// Whether all bytes are below 0x80.
static inline int connlog_is_ascii(const uint8_t *_Nonnull p, size_t n) {
    size_t i = 0;
    uint64_t bits = 0;
#ifdef __SSE2__
    __m128i all = _mm_setzero_si128();
    for (; i + 64 <= n; i += 64) {
        const __m128i *q = (const __m128i *)(p + i);
        __m128i one = _mm_or_si128(_mm_loadu_si128(q), _mm_loadu_si128(q + 1));
        __m128i two = _mm_or_si128(_mm_loadu_si128(q + 2), _mm_loadu_si128(q + 3));
        all = _mm_or_si128(all, _mm_or_si128(one, two));
    }
    if (_mm_movemask_epi8(all)) return 0;
#endif
    for (; i + 8 <= n; i += 8) {
        uint64_t word;
        memcpy(&word, p + i, 8);
        bits |= word;
    }
    for (; i < n; i++) bits |= p[i];
    return (bits & 0x8080808080808080ull) == 0;
}

/// Where `text` first stands in `bytes`, or -1.
ptrdiff_t connlog_find(const void *_Nonnull bytes, size_t count, const void *_Nonnull text, size_t length);

/// The CRC32C (Castagnoli, reflected, polynomial 0x82f63b78) of `count` bytes, going on from `crc` (0 to begin).
uint32_t connlog_crc32c(uint32_t crc, const void *_Nonnull bytes, size_t count);

/// The same by table, one byte at a time: the slow, obvious version that the tests compare with.
uint32_t connlog_crc32c_by_table(uint32_t crc, const void *_Nonnull bytes, size_t count);

/// For tests: no vectors of more than so many bytes (16 or 32), whatever the processor has.
void connlog_limit_vectors(int bytes);
