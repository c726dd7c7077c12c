internal import CConnlog

/// An IP address in the 128 bits that IPv6 has: an IPv4 address and the same one inside IPv6 (`::ffff:a.b.c.d`) are one.
package struct IPAddress: Sendable, Equatable {
    /// The first eight bytes, the most significant one first.
    package let high: UInt64
    /// The last eight.
    package let low: UInt64

    /// As inet_pton(3) reads it: `203.0.113.7`, `fd7a::1`; `nil` for anything else, such as a mask, a zone or blanks.
    package init?(_ text: [UInt8]) {
        var words: InlineArray<2, UInt64> = [0, 0]
        let isAddress = unsafe text.withUnsafeBufferPointer { bytes in
            guard let base = bytes.baseAddress else { return false }
            var out = words.mutableSpan
            return unsafe out.withUnsafeMutableBufferPointer { words in
                guard let first = words.baseAddress else { return false }
                return unsafe connlog_ip_address(base, bytes.count, first)
            }
        }
        guard isAddress else { return nil }
        (high, low) = (words[0], words[1])
    }

    /// Whether a text is one, as inet_pton(3) reads it. Allocates nothing.
    package static func isAddress(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Bool {
        precondition(range.lowerBound >= 0 && range.upperBound <= bytes.count)
        var words: InlineArray<2, UInt64> = [0, 0]
        return unsafe bytes.withUnsafeBufferPointer { memory in
            guard let base = memory.baseAddress else { return false }
            var out = words.mutableSpan
            return unsafe out.withUnsafeMutableBufferPointer { words in
                guard let first = words.baseAddress else { return false }
                return unsafe connlog_ip_address(base + range.lowerBound, range.count, first)
            }
        }
    }
}
