internal import CConnlog

#if canImport(Glibc)
internal import Glibc
#endif

// Searches in spans. Invariant: ranges are checked against the span before memory is touched, so a wrong range ends the
// process rather than reading elsewhere.

/// The first byte of `range` that is `byte`.
///
/// Measured: with a loop over bytes instead, decoding an event in parts takes 9,920 instructions instead of 4,860.
package func firstIndex(of byte: UInt8, in bytes: Span<UInt8>, _ range: Range<Int>) -> Int? {
    precondition(range.lowerBound >= 0 && range.upperBound <= bytes.count)
    return unsafe bytes.withUnsafeBufferPointer { memory in
        guard let base = memory.baseAddress, !range.isEmpty else { return nil }
        let start = unsafe UnsafeRawPointer(base)
        guard let found = unsafe memchr(start + range.lowerBound, Int32(byte), range.count) else { return nil }
        return unsafe UnsafeRawPointer(found) - start
    }
}

/// Whether the bytes of `range` are `text`. Inlined, since with a length that is known it is one or two comparisons.
@inline(__always)
package func equal(_ bytes: Span<UInt8>, _ range: Range<Int>, _ text: StaticString) -> Bool {
    guard range.count == text.utf8CodeUnitCount, range.lowerBound >= 0, range.upperBound <= bytes.count else {
        return false
    }
    return unsafe bytes.withUnsafeBufferPointer { memory in
        guard let base = memory.baseAddress else { return range.isEmpty }
        return unsafe memcmp(base + range.lowerBound, text.utf8Start, range.count) == 0
    }
}

/// Whether `bytes` has `text` at `place`.
@inline(__always)
package func hasPrefix(_ bytes: Span<UInt8>, at place: Int, _ text: StaticString) -> Bool {
    let end = place &+ text.utf8CodeUnitCount
    return end <= bytes.count && equal(bytes, place..<end, text)
}

/// Where `text` first stands in `range`.
func firstIndex(of text: StaticString, in bytes: Span<UInt8>, _ range: Range<Int>) -> Int? {
    precondition(range.lowerBound >= 0 && range.upperBound <= bytes.count)
    let place: Int = unsafe bytes.withUnsafeBufferPointer { memory in
        guard let base = memory.baseAddress, !range.isEmpty else { return -1 }
        return unsafe connlog_find(base + range.lowerBound, range.count, text.utf8Start, text.utf8CodeUnitCount)
    }
    return place < 0 ? nil : range.lowerBound + place
}
