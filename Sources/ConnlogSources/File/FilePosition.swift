package import ConnlogSystem

/// How far a file has been read, and what it looks like, so that it is known again under any name.
///
/// A path says little: files are renamed, replaced, cut and written anew. An inode says little more: the next file often
/// gets the same. So a file is *the same* when its first `prefixLength` bytes and the last bytes before `offset` (the
/// marker) have not changed; then reading goes on at `offset`, whatever the file is called and wherever it lies.
///
/// As a checkpoint, integers little-endian:
///
///     byte 0      version, 1
///     byte 1      1 for a copy, else 0
///     bytes 2-    device, inode, offset, prefix length, prefix hash, marker hash: 8 bytes each
///     byte 50-    the path, UTF-8, to the end
package struct FilePosition: Sendable, Equatable {
    /// The file's own path, symbolic links resolved, when it was last seen under a name that is read.
    package var path: String
    package var identity: FileIdentity
    /// Where reading goes on.
    package var offset = 0
    /// At most `prefixMax`; grows with the file.
    package var prefixLength = 0
    package var prefixHash = FilePosition.hash([])
    package var markerHash = FilePosition.hash([])
    /// Another file held the bytes before `offset`, and they were read there.
    package var isCopy = false

    package static let prefixMax = 1024
    package static let markerMax = 64

    package init(path: String, identity: FileIdentity) {
        self.path = path
        self.identity = identity
    }

    /// Bytes before `offset` that the marker covers.
    package var markerLength: Int { min(offset, FilePosition.markerMax) }

    /// FNV-1a with 64 bits: short inputs, no adversary who could not as well write the log itself.
    package static func hash(_ bytes: Span<UInt8>) -> UInt64 {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for index in bytes.indices { hash = FilePosition.hash(hash, bytes[index]) }
        return hash
    }

    /// The hash of what `hash` stands for and one byte more.
    static func hash(_ hash: UInt64, _ byte: UInt8) -> UInt64 { (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }

    package static func hash(_ bytes: [UInt8]) -> UInt64 { hash(bytes.span) }
}

/// What a file's bytes say about a position that was noted before.
package enum Likeness: Sendable, Equatable {
    /// It is that file, or a copy: go on at the offset.
    case same
    /// It begins like that file, but what was read is gone: it was cut or rewritten.
    case samePrefix
    case different
}

extension FilePosition {
    /// Compares with what `file` holds now; `scratch` is used for reading.
    package func compare(_ file: LocalFile, _ scratch: inout ByteBuffer) throws(SystemError) -> Likeness {
        guard try hasPrefix(file, &scratch) else { return .different }
        guard offset > 0 else { return .same }
        scratch.removeAll()
        let got = try file.read(into: &scratch, at: offset - markerLength, count: markerLength)
        guard got == markerLength, FilePosition.hash(scratch.span) == markerHash else { return .samePrefix }
        return .same
    }

    private func hasPrefix(_ file: LocalFile, _ scratch: inout ByteBuffer) throws(SystemError) -> Bool {
        scratch.removeAll()
        let got = try file.read(into: &scratch, at: 0, count: prefixLength)
        return got == prefixLength && FilePosition.hash(scratch.span) == prefixHash
    }

    /// Whether the prefix still stands; takes more of the file into it when there is more.
    package mutating func checkPrefix(_ file: LocalFile, _ scratch: inout ByteBuffer) throws(SystemError) -> Bool {
        scratch.removeAll()
        let got = try file.read(into: &scratch, at: 0, count: FilePosition.prefixMax)
        guard got >= prefixLength else { return false }
        guard FilePosition.hash(scratch.span(0..<prefixLength)) == prefixHash else { return false }
        if got > prefixLength {
            prefixLength = got
            prefixHash = FilePosition.hash(scratch.span)
        }
        return true
    }
}

extension FilePosition {
    private static let version: UInt8 = 1
    private static let headerBytes = 50

    package var checkpoint: [UInt8] {
        var bytes: [UInt8] = [FilePosition.version, isCopy ? 1 : 0]
        let numbers = [
            identity.device, identity.inode, UInt64(offset), UInt64(prefixLength), prefixHash, markerHash,
        ]
        for number in numbers {
            for shift in stride(from: 0, to: 64, by: 8) { bytes.append(UInt8(truncatingIfNeeded: number >> shift)) }
        }
        return bytes + Array(path.utf8)
    }

    /// - Returns: nil for what this version cannot read.
    package init?(checkpoint: [UInt8]) {
        guard checkpoint.count >= FilePosition.headerBytes, checkpoint[0] == FilePosition.version else { return nil }
        func number(_ index: Int) -> UInt64 {
            (0..<8).reduce(0) { $0 | UInt64(checkpoint[2 + 8 * index + $1]) << UInt64(8 * $1) }
        }
        guard let offset = Int(exactly: number(2)), number(3) <= FilePosition.prefixMax else { return nil }
        path = String(decoding: checkpoint[FilePosition.headerBytes...], as: UTF8.self)
        identity = FileIdentity(device: number(0), inode: number(1))
        self.offset = offset
        prefixLength = Int(number(3))
        prefixHash = number(4)
        markerHash = number(5)
        isCopy = checkpoint[1] & 1 != 0
    }
}
