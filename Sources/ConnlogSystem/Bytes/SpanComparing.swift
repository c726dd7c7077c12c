#if canImport(Glibc)
import Glibc
#endif

/// Up to 24 bytes, of which the first is given with each use: the lowest byte of `head` is 0, and bytes that are not
/// compared are 0 in the masks.
///
/// Head and tail lie side by side with their masks so that each is loaded as it was stored. Measured: as three words and
/// three masks, the processor waited for its own stores in half of the time that packing a record took.
public struct WordPattern: Sendable {
    public let head: UInt64
    public let headMask: UInt64
    public let tail: SIMD2<UInt64>
    public let tailMask: SIMD2<UInt64>

    public init(head: UInt64, headMask: UInt64, tail: SIMD2<UInt64>, tailMask: SIMD2<UInt64>) {
        self.head = head
        self.headMask = headMask
        self.tail = tail
        self.tailMask = tailMask
    }
}

/// Comparisons of more than a byte at a time, each with one check of its bounds.
extension Span where Element == UInt8 {
    /// Whether `first` and then the bytes of a pattern stand at `place`; 24 bytes must be there.
    @inlinable @inline(__always)
    public func matches(_ pattern: WordPattern, _ first: UInt8, at place: Int) -> Bool {
        precondition(place >= 0 && place <= count &- 24)
        return unsafe withUnsafeBytes { memory in
            guard let base = memory.baseAddress else { return false }
            let word0 = unsafe base.loadUnaligned(fromByteOffset: place, as: UInt64.self).littleEndian
            let word1 = unsafe base.loadUnaligned(fromByteOffset: place &+ 8, as: UInt64.self).littleEndian
            let word2 = unsafe base.loadUnaligned(fromByteOffset: place &+ 16, as: UInt64.self).littleEndian
            let head = (word0 ^ (pattern.head | UInt64(first))) & pattern.headMask
            let tail = (SIMD2(word1, word2) ^ pattern.tail) & pattern.tailMask
            return head | tail[0] | tail[1] == 0
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
