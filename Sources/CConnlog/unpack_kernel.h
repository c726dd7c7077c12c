// Writing a line from its values: see `connlog_unpack_record`.

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
    memcpy(way->out + way->to, way->values + way->at, size);
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
    memcpy(way->out + way->to, text, size);
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
