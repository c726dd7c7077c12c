// Keys, plain text and UUIDs with vectors of `VECTOR_BYTES`, 16 or 32: see `each_kernel.h`.

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

/// The closing quote of the string whose text begins at `at`, after its quote; 0 if there is none. `kind` changes if it has
/// escapes.
ALWAYS size_t WAY(closing_quote)(const uint8_t *line, size_t length, size_t at, uint64_t *kind) {
    at += WAY(plain_prefix)(line, line + at, line + length);
    if (at >= length) return 0;
    return line[at] == '"' ? at : odd_string(line, length, at, kind);
}
