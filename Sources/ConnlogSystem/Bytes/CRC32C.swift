private import CConnlog

/// The Castagnoli checksum: reflected, polynomial 0x82f63b78, first and last value inverted (RFC 3720 B.4).
public struct CRC32C: Sendable, Equatable {
    public private(set) var value: UInt32

    /// Goes on from `value`; 0 begins.
    public init(_ value: UInt32 = 0) {
        self.value = value
    }

    public mutating func update(_ bytes: Span<UInt8>) {
        value = unsafe bytes.withUnsafeBytes { memory in
            guard let base = memory.baseAddress else { return value }
            return unsafe connlog_crc32c(value, base, memory.count)
        }
    }

    /// Takes in an integer, least significant byte first.
    public mutating func update(_ integer: some FixedWidthInteger) {
        value = unsafe withUnsafeBytes(of: integer.littleEndian) { memory in
            guard let base = memory.baseAddress else { return value }
            return unsafe connlog_crc32c(value, base, memory.count)
        }
    }
}
