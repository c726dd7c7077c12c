public import CConnlog

/// The Castagnoli checksum: reflected, polynomial 0x82f63b78, first and last value inverted (RFC 3720 B.4).
@usableFromInline package struct CRC32C: Sendable, Equatable {
    @usableFromInline var state: UInt32
    @inlinable package var value: UInt32 { state }

    /// Goes on from `value`; 0 begins.
    @inlinable package init(_ value: UInt32 = 0) {
        state = value
    }

    @inlinable package mutating func update(_ bytes: Span<UInt8>) {
        state = unsafe bytes.withUnsafeBytes { memory in
            guard let base = memory.baseAddress else { return value }
            return unsafe connlog_crc32c(value, base, memory.count)
        }
    }

    /// Takes in an integer, least significant byte first.
    @inlinable package mutating func update(_ integer: some FixedWidthInteger) {
        state = unsafe withUnsafeBytes(of: integer.littleEndian) { memory in
            guard let base = memory.baseAddress else { return value }
            return unsafe connlog_crc32c(value, base, memory.count)
        }
    }
}
