public import CConnlog

/// Texts that are packed into half as many bytes, and the way back; see `pack.h`.
extension ByteWriter {
    @inlinable public static var packedUUIDBytes: Int { 16 }
    @inlinable public static var uuidBytes: Int { 36 }
    @inlinable public static var packedTimeBytes: Int { 12 }

    /// Appends the 16 bytes of the UUID whose text is the 36 bytes at `place`.
    /// - Returns: `false`, and nothing appended, if that is no UUID in lower case.
    @inlinable @inline(__always)
    public mutating func appendPackedUUID(_ bytes: Span<UInt8>, at place: Int) -> Bool {
        precondition(place >= 0 && place + ByteWriter.uuidBytes <= bytes.count)
        assert(count + ByteWriter.packedUUIDBytes <= limit)
        let isUUID = unsafe bytes.withUnsafeBufferPointer { memory in
            guard let source = memory.baseAddress else { return false }
            let target = unsafe (base + count).assumingMemoryBound(to: UInt8.self)
            return unsafe connlog_pack_uuid(target, source + place) != 0
        }
        if isUUID { advance(by: ByteWriter.packedUUIDBytes) }
        return isUUID
    }

    /// Appends the 36 bytes of text of the 16 bytes at `place`.
    @inlinable @inline(__always)
    public mutating func appendUUID(packed bytes: Span<UInt8>, at place: Int) {
        precondition(place >= 0 && place + ByteWriter.packedUUIDBytes <= bytes.count)
        assert(count + ByteWriter.uuidBytes <= limit)
        unsafe bytes.withUnsafeBufferPointer { memory in
            guard let source = memory.baseAddress else { return }
            let target = unsafe (base + count).assumingMemoryBound(to: UInt8.self)
            unsafe connlog_unpack_uuid(target, source + place)
        }
        advance(by: ByteWriter.uuidBytes)
    }

    /// Appends the 12 bytes of a time such as `2025-07-03T05:09:41.929840747Z`, which needs 16 bytes of room.
    /// - Returns: the digits behind the point; `nil`, and nothing appended, if it is not written so.
    @inlinable @inline(__always)
    public mutating func appendPackedTime(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Int? {
        precondition(range.lowerBound >= 0 && range.upperBound <= bytes.count)
        assert(count + ByteWriter.packedTimeBytes <= limit)
        let digits: Int32 = unsafe bytes.withUnsafeBufferPointer { memory in
            guard let source = memory.baseAddress else { return -1 }
            let target = unsafe (base + count).assumingMemoryBound(to: UInt8.self)
            return unsafe connlog_pack_time(target, source + range.lowerBound, range.count)
        }
        guard digits >= 0 else { return nil }
        advance(by: ByteWriter.packedTimeBytes)
        return Int(digits)
    }

    /// Appends the text of the packed time at `place`, at most 30 bytes; needs 32 bytes of room.
    @inlinable @inline(__always)
    public mutating func appendTime(packed bytes: Span<UInt8>, at place: Int, digits: Int) {
        precondition(place >= 0 && place + ByteWriter.packedTimeBytes <= bytes.count && 0...9 ~= digits)
        assert(count + 32 <= limit)
        let length: Int = unsafe bytes.withUnsafeBufferPointer { memory in
            guard let source = memory.baseAddress else { return 0 }
            let target = unsafe (base + count).assumingMemoryBound(to: UInt8.self)
            return unsafe Int(connlog_unpack_time(target, source + place, Int32(digits)))
        }
        advance(by: length)
    }

    /// Appends a byte and the `length - 1` bytes of a pattern behind it; needs 24 bytes of room.
    @inlinable @inline(__always)
    public mutating func append(_ pattern: WordPattern, _ first: UInt8, length: Int) {
        assert(length <= 24 && count + 24 <= limit)
        unsafe base.storeBytes(of: (pattern.head | UInt64(first)).littleEndian, toByteOffset: count, as: UInt64.self)
        unsafe base.storeBytes(of: pattern.tail[0].littleEndian, toByteOffset: count &+ 8, as: UInt64.self)
        unsafe base.storeBytes(of: pattern.tail[1].littleEndian, toByteOffset: count &+ 16, as: UInt64.self)
        advance(by: length)
    }
}
