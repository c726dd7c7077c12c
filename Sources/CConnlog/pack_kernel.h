// Packing a line's values: see `connlog_pack_record`.

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
    memcpy(out, text, length);
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
