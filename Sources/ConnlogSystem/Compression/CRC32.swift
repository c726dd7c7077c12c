private import CISAL

/// The CRC of gzip and zip (IEEE 802.3, reflected), by ISA-L.
package struct CRC32: Sendable, Equatable {
    package private(set) var value: UInt32 = 0

    package init() {}

    package mutating func update(_ bytes: Span<UInt8>) {
        unsafe bytes.withUnsafeBufferPointer { memory in
            guard let start = memory.baseAddress else { return }
            value = unsafe crc32_gzip_refl(value, start, UInt64(memory.count))
        }
    }
}
