/// Fixed-width integers, least significant byte first, as files of ours hold them.
extension Span where Element == UInt8 {
    @inlinable package func uint16(at index: Int) -> UInt16 {
        UInt16(self[index]) | UInt16(self[index + 1]) << 8
    }

    @inlinable package func uint32(at index: Int) -> UInt32 {
        precondition(index >= 0 && index + 4 <= count)
        return unsafe UInt32(
            littleEndian: withUnsafeBytes { unsafe $0.loadUnaligned(fromByteOffset: index, as: UInt32.self) })
    }

    @inlinable package func uint64(at index: Int) -> UInt64 {
        precondition(index >= 0 && index + 8 <= count)
        return unsafe UInt64(
            littleEndian: withUnsafeBytes { unsafe $0.loadUnaligned(fromByteOffset: index, as: UInt64.self) })
    }
}

extension ByteWriter {
    /// Appends an integer, least significant byte first.
    @inlinable @inline(__always)
    package mutating func append(littleEndian value: some FixedWidthInteger & BitwiseCopyable) {
        let length = MemoryLayout.size(ofValue: value)
        assert(count + length <= limit)
        unsafe base.storeBytes(of: value.littleEndian, toByteOffset: count, as: type(of: value))
        advance(by: length)
    }

    /// Appends `length` zero bytes.
    @inlinable @inline(__always)
    package mutating func appendZeros(_ length: Int) {
        assert(count + length <= limit)
        unsafe (base + count).initializeMemory(as: UInt8.self, repeating: 0, count: length)
        advance(by: length)
    }
}

extension ByteBuffer {
    /// Appends an integer, least significant byte first.
    @inlinable package mutating func append(littleEndian value: some FixedWidthInteger & BitwiseCopyable) {
        withWriter(reserving: MemoryLayout.size(ofValue: value)) { $0.append(littleEndian: value) }
    }

    /// Appends `length` zero bytes.
    @inlinable package mutating func appendZeros(_ length: Int) {
        reserve(length)
        withWriter(reserving: length) { $0.appendZeros(length) }
    }

    /// Replaces the four bytes at `index`, which must lie inside.
    @inlinable package mutating func store(littleEndian value: UInt32, at index: Int) {
        precondition(index >= 0 && index + 4 <= count)
        unsafe storage.withUnsafeMutableBytes {
            unsafe $0.storeBytes(of: value.littleEndian, toByteOffset: index, as: UInt32.self)
        }
    }

    /// Replaces the eight bytes at `index`, which must lie inside.
    @inlinable package mutating func store(littleEndian value: UInt64, at index: Int) {
        precondition(index >= 0 && index + 8 <= count)
        unsafe storage.withUnsafeMutableBytes {
            unsafe $0.storeBytes(of: value.littleEndian, toByteOffset: index, as: UInt64.self)
        }
    }
}
