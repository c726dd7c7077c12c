#if canImport(Glibc)
    import Glibc
#endif

/// Comparisons of more than a byte at a time, each with one check of its bounds.
extension Span where Element == UInt8 {
    /// Whether up to 24 bytes at `place` are the ones of three words, as far as the masks say; all 24 must be there.
    @inlinable @inline(__always)
    public func matches(
        _ words: (UInt64, UInt64, UInt64), _ masks: (UInt64, UInt64, UInt64), at place: Int
    ) -> Bool {
        precondition(place >= 0 && place <= count &- 24)
        return unsafe withUnsafeBytes { memory in
            guard let base = memory.baseAddress else { return false }
            let word0 = unsafe base.loadUnaligned(fromByteOffset: place, as: UInt64.self).littleEndian
            let word1 = unsafe base.loadUnaligned(fromByteOffset: place &+ 8, as: UInt64.self).littleEndian
            let word2 = unsafe base.loadUnaligned(fromByteOffset: place &+ 16, as: UInt64.self).littleEndian
            return ((word0 ^ words.0) & masks.0) | ((word1 ^ words.1) & masks.1) | ((word2 ^ words.2) & masks.2) == 0
        }
    }

    /// Whether `length` bytes at `place` are those of `other` at `otherPlace`.
    public func matches(_ other: Span<UInt8>, at otherPlace: Int, length: Int, at place: Int) -> Bool {
        precondition(length >= 0 && place >= 0 && place <= count &- length)
        precondition(otherPlace >= 0 && otherPlace <= other.count &- length)
        return unsafe withUnsafeBytes { left in
            unsafe other.withUnsafeBytes { right in
                guard let left = left.baseAddress, let right = right.baseAddress else { return length == 0 }
                return unsafe memcmp(left + place, right + otherPlace, length) == 0
            }
        }
    }
}
