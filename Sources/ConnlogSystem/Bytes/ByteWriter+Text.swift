internal import CConnlog

extension ByteWriter {
    /// What may not simply be copied, beside control characters (below 0x20, or DEL) and the bytes 0xc2 and 0xe2, with which
    /// those above ASCII begin.
    package enum TextException {
        /// Nothing more.
        case hidden
        /// `"` and `\`, as in a JSON string.
        case quotes
        /// `=` and `\`, as in a CEF extension.
        case equals
    }

    /// Copies bytes of `range` up to the first that may not simply be copied. Needs 16 bytes more room than it copies.
    /// - Returns: how many bytes were copied.
    package mutating func appendText(
        _ bytes: Span<UInt8>, _ range: Range<Int>, except exception: TextException
    ) -> Int {
        precondition(range.lowerBound >= 0 && range.upperBound <= bytes.count)
        assert(count + range.count <= limit)
        let copied = unsafe bytes.withUnsafeBufferPointer { memory in
            guard let base = memory.baseAddress else { return 0 }
            let source = unsafe base + range.lowerBound
            let target = unsafe (self.base + count).assumingMemoryBound(to: UInt8.self)
            let plain = Int32(connlog_syslog_plain)
            // Constants, so that each is a loop of its own.
            return switch exception {
            case .hidden: unsafe connlog_copy_syslog_text(target, source, range.count, plain)
            case .quotes:
                unsafe connlog_copy_syslog_text(target, source, range.count, plain | Int32(connlog_text_quotes))
            case .equals:
                unsafe connlog_copy_syslog_text(target, source, range.count, plain | Int32(connlog_text_equals))
            }
        }
        advance(by: copied)
        return copied
    }

    /// Takes back the last bytes.
    @inlinable @inline(__always)
    package mutating func removeLast(_ length: Int) {
        assert(length >= 0 && length <= count)
        advance(by: -length)
    }
}
