// Parameters and messages with vectors of `VECTOR_BYTES` (16 or 32); `WAY` gives the functions their names.
// `each_kernel.h` includes this for each size.

#if VECTOR_BYTES == 32
/// Bits of the bytes that may not stand in a parameter as they are; 32 bytes are copied.
ALWAYS uint32_t WAY(copy_vector)(uint8_t *dst, const uint8_t *src) {
    __m256i v = _mm256_loadu_si256((const __m256i *)src);
    _mm256_storeu_si256((__m256i *)dst, v);
    __m256i stop = _mm256_or_si256(_mm256_cmpeq_epi8(_mm256_min_epu8(v, _mm256_set1_epi8(0x1f)), v),
                                   _mm256_cmpeq_epi8(v, _mm256_set1_epi8(0x7f)));
    // '\\' is 0x5c and ']' is 0x5d.
    __m256i even = _mm256_and_si256(v, _mm256_set1_epi8((char)0xfe));
    stop = _mm256_or_si256(stop, _mm256_cmpeq_epi8(even, _mm256_set1_epi8('\\')));
    // 0xc2 and 0xe2 differ in 0x20 only.
    __m256i lead = _mm256_and_si256(v, _mm256_set1_epi8((char)0xdf));
    stop = _mm256_or_si256(stop, _mm256_cmpeq_epi8(lead, _mm256_set1_epi8((char)0xc2)));
    return (uint32_t)_mm256_movemask_epi8(_mm256_or_si256(stop, _mm256_cmpeq_epi8(v, _mm256_set1_epi8('"'))));
}

static size_t WAY(message)(uint8_t *dst, const uint8_t *src, size_t n, int *is_ascii) {
    const __m256i space = _mm256_set1_epi8(0x20), del = _mm256_set1_epi8(0x7f);
    __m256i all = _mm256_setzero_si256();
    size_t i = 0;
    for (; n - i >= 64; i += 64) {
        __m256i one = _mm256_loadu_si256((const __m256i *)(src + i)), two = _mm256_loadu_si256((const __m256i *)(src + i + 32));
        _mm256_storeu_si256((__m256i *)(dst + i), one);
        _mm256_storeu_si256((__m256i *)(dst + i + 32), two);
        all = _mm256_or_si256(all, _mm256_or_si256(one, two));
        // Signed: what is above ASCII is "less than space" too, and looked at below.
        __m256i stop = _mm256_or_si256(_mm256_cmpgt_epi8(space, one), _mm256_cmpgt_epi8(space, two));
        stop = _mm256_or_si256(stop, _mm256_or_si256(_mm256_cmpeq_epi8(one, del), _mm256_cmpeq_epi8(two, del)));
        if (!_mm256_testz_si256(stop, stop)) {
            size_t copied = connlog_copy_syslog_text(dst + i, src + i, 64, 0);
            if (copied < 64) {
                n = i + copied;
                break;
            }
        }
    }
    if (_mm256_movemask_epi8(all)) *is_ascii = 0;
    return i + message_rest(dst + i, src + i, n - i, is_ascii);
}
#else
#ifdef __SSE2__
ALWAYS uint32_t WAY(copy_vector)(uint8_t *dst, const uint8_t *src) {
    __m128i v = _mm_loadu_si128((const __m128i *)src);
    _mm_storeu_si128((__m128i *)dst, v);
    __m128i stop = _mm_or_si128(_mm_cmpeq_epi8(_mm_min_epu8(v, _mm_set1_epi8(0x1f)), v), _mm_cmpeq_epi8(v, _mm_set1_epi8(0x7f)));
    __m128i even = _mm_and_si128(v, _mm_set1_epi8((char)0xfe));
    stop = _mm_or_si128(stop, _mm_cmpeq_epi8(even, _mm_set1_epi8('\\')));
    __m128i lead = _mm_and_si128(v, _mm_set1_epi8((char)0xdf));
    stop = _mm_or_si128(stop, _mm_cmpeq_epi8(lead, _mm_set1_epi8((char)0xc2)));
    return (uint32_t)_mm_movemask_epi8(_mm_or_si128(stop, _mm_cmpeq_epi8(v, _mm_set1_epi8('"'))));
}
#else
ALWAYS uint32_t WAY(copy_vector)(uint8_t *dst, const uint8_t *src) {
    uint32_t stop = 0;
    for (int i = 0; i < VECTOR_BYTES; i++) {
        uint8_t c = dst[i] = src[i];
        if (c < 0x20 || c == 0x7f || c == '"' || (c & 0xfe) == '\\' || c == 0xc2 || c == 0xe2) stop |= 1u << i;
    }
    return stop;
}
#endif

static size_t WAY(message)(uint8_t *dst, const uint8_t *src, size_t n, int *is_ascii) {
    return message_rest(dst, src, n, is_ascii);
}
#endif

/// Copies a value; 0 if a byte of it may not stand in a parameter as it is. `room` bytes are readable.
ALWAYS int WAY(copy_value)(uint8_t *dst, const uint8_t *src, size_t size, size_t room) {
    // Whole vectors, as long as the record goes on after the value.
    if (room - size < VECTOR_BYTES) return connlog_copy_syslog_text(dst, src, size, PARAMETER) == size;
    for (; size > VECTOR_BYTES; size -= VECTOR_BYTES, src += VECTOR_BYTES, dst += VECTOR_BYTES)
        if (WAY(copy_vector)(dst, src)) return 0;
    return (WAY(copy_vector)(dst, src) & (uint32_t)((1ull << size) - 1)) == 0;
}

static size_t WAY(parameters)(const connlog_parameter *list, size_t count, size_t *next, const uint8_t *record,
                              size_t length, const uint64_t *index, uint8_t *out) {
    uint8_t *to = out;
    size_t number = *next;
    for (; number < count; number++) {
        const connlog_parameter *parameter = &list[number];
        uint64_t range = index[parameter->slot];
        if (is_empty(range)) {
            if (parameter->is_required) break;
            range = index[parameter->other_slot];
            if (is_empty(range)) continue;
        }
        uint64_t kind = range >> 32 & 7;
        size_t start = (uint32_t)range, size = range >> 36;
        if (start + size > length || size == 0) break;
        const uint8_t *text = record + start;
        if (kind == connlog_string ? !is_ordinary(text, size, parameter->is_address) : kind != connlog_number) break;
        memcpy(to, parameter->opening, sizeof parameter->opening);
        if (!WAY(copy_value)(to + parameter->length, text, size, length - start)) break;
        to += parameter->length + size;
        *to++ = '"';
    }
    *next = number;
    return (size_t)(to - out);
}
