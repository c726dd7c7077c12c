// The lines between events: see `connlog_scan_record`.

/// Where the value of a key begins. 0 if there is no key, or, in the entry itself, one that may be another message.
ALWAYS size_t WAY(skip_key)(const uint8_t *line, size_t length, size_t at, int is_in_entry) {
    if (at >= length || line[at] != '"') return 0;
    uint64_t kind = connlog_string;
    size_t start = at + 1, end = WAY(closing_quote)(line, length, start, &kind);
    if (!end || length - end < 2 || line[end + 1] != ':') return 0;
    if (is_in_entry && (kind != connlog_string || (end - start == 3 && memcmp(line + start, "msg", 3) == 0))) return 0;
    return end + 2;
}

/// Whether what stands after a member of an entry is the rest of one, without blanks (RFC 8259), and has no other message.
static int WAY(is_rest_of_entry)(const uint8_t *line, size_t length, size_t at) {
    // A bit for each open bracket, the innermost the lowest: 1 is an object.
    uint64_t kinds = 1;
    unsigned open = 1;
    // A bracket was opened: what closes it or its first value follows, without a comma.
    int is_first = 0;
    while (at < length) {
        if (line[at] == (kinds & 1 ? '}' : ']')) {
            at++;
            kinds >>= 1;
            if (--open == 0) return at == length;
            is_first = 0;
            continue;
        }
        if (!is_first && line[at++] != ',') return 0;
        is_first = 0;
        if (kinds & 1 && !(at = WAY(skip_key)(line, length, at, open == 1))) return 0;
        if (at >= length) return 0;
        uint64_t kind;
        if (line[at] == '{' || line[at] == '[') {
            if (open == 64) return 0;
            kinds = kinds << 1 | (line[at++] == '{');
            open++;
            is_first = 1;
            continue;
        }
        if (line[at] != '"')
            at = scalar(line, length, at);
        else if ((at = WAY(closing_quote)(line, length, at + 1, &kind)))
            at++;
        if (!at) return 0;
    }
    return 0;
}
