internal import CConnlog

/// How many bytes from `start` on stand for themselves in a JSON string: no quote, backslash, control character, and
/// nothing above ASCII.
func plainPrefix(_ bytes: [UInt8], from start: Int) -> Int {
    precondition(start >= 0 && start <= bytes.count)
    return unsafe bytes.withUnsafeBufferPointer { memory in
        guard let base = memory.baseAddress else { return 0 }
        return unsafe connlog_plain_string_prefix_within(base, base + start, base + memory.count)
    }
}
