// Scanning a line of a known order of keys: see `connlog_scan_record`.

/// Where the value at `at` ends, which is filed; 0 if it is none of those that are taken.
ALWAYS size_t WAY(scan_value)(const connlog_key *key, const uint8_t *line, size_t length, size_t at, uint64_t *index) {
    if (at >= length) return 0;
    if (line[at] == '"') {
        uint64_t kind = connlog_string;
        size_t start = at + 1;
        at = WAY(closing_quote)(line, length, start, &kind);
        if (!at) return 0;
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

/// What a line is whose message, before `at`, is not an event's.
ALWAYS int WAY(scan_other)(const uint8_t *line, size_t length, size_t at, uint64_t message) {
    size_t size = message >> 36;
    // One with escapes may mean anything, and what no string is, is no message.
    if ((message >> 32 & 7) != connlog_string) return 0;
    if (size == 9 && memcmp(line + (uint32_t)message, "audit_log", 9) == 0) return 0;
    return WAY(is_rest_of_entry)(line, length, at) ? connlog_line_is_other : 0;
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
        // Most lines of a log are no events.
        if (key->slot == message_slot && !is_word(order, message, line, index[message_slot]))
            return WAY(scan_other)(line, length, at, index[message_slot]);
    }
    if (at + 1 != length || line[at] != '}') return 0;
    return is_word(order, message, line, index[message_slot]) ? connlog_line_is_event : 0;
}
