internal import ConnlogSystem

/// What the queue keeps for the file sink with each committed offset: which file, and how much of it is committed.
///
///     byte   0        version, 1
///            1...8    device
///            9...16   inode
///            17...24  length: bytes of the file that hold committed events (or were there before)
///            25...32  when the file was begun, nanoseconds since 1970
///            33...40  number of the last rotation
///            41...44  CRC32C of the last 64 bytes before `length`, or of all of them when there are fewer
///
/// Integers are little-endian. A longer value, or another version, is from a newer connlog and is not understood.
struct FileCommit: Equatable, Sendable {
    static let version: UInt8 = 1
    static let encodedBytes = 45
    /// How many bytes before `length` the checksum covers at most.
    static let markerBytes = 64

    let identity: FileIdentity
    let length: Int
    let begun: Nanoseconds
    let rotation: UInt64
    let marker: UInt32

    init(identity: FileIdentity, length: Int, begun: Nanoseconds, rotation: UInt64, marker: UInt32) {
        self.identity = identity
        self.length = length
        self.begun = begun
        self.rotation = rotation
        self.marker = marker
    }

    init?(_ bytes: [UInt8]) {
        guard bytes.count == FileCommit.encodedBytes, bytes[0] == FileCommit.version else { return nil }
        func integer(_ start: Int) -> UInt64 {
            bytes[start..<start + 8].reversed().reduce(0) { $0 << 8 | UInt64($1) }
        }
        guard let length = Int(exactly: integer(17)) else { return nil }
        identity = FileIdentity(device: integer(1), inode: integer(9))
        self.length = length
        begun = Nanoseconds(bitPattern: integer(25))
        rotation = integer(33)
        marker = bytes[41..<45].reversed().reduce(0) { $0 << 8 | UInt32($1) }
    }

    var encoded: [UInt8] {
        var bytes = [FileCommit.version]
        for value in [identity.device, identity.inode, UInt64(length), UInt64(bitPattern: begun), rotation] {
            bytes += (0..<8).map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) }
        }
        return bytes + (0..<4).map { UInt8(truncatingIfNeeded: marker >> ($0 * 8)) }
    }
}
