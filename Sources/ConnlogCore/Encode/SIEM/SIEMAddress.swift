internal import ConnlogSystem

/// An IP address that really is one: the fields of all formats that take one are typed.
struct SIEMAddress {
    /// In the record, without a zone.
    let range: Range<Int>
    let isIPv6: Bool

    /// `nil` for what is no address.
    init?(_ text: TextRange?, in record: Span<UInt8>) {
        guard let text, !text.hasEscapes else { return nil }
        var end = text.range.lowerBound
        var isIPv6 = false
        while end < text.range.upperBound, record[end] != UInt8(ascii: "%") {
            if record[end] == UInt8(ascii: ":") { isIPv6 = true }
            end += 1
        }
        range = text.range.lowerBound..<end
        self.isIPv6 = isIPv6
        // Only IPv6 has zones.
        guard isIPv6 || end == text.range.upperBound, IPAddress.isAddress(record, range) else { return nil }
    }
}
