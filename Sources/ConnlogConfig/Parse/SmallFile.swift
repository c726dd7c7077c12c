import ConnlogSystem

/// Reads files that are small by nature: configurations, and values in files of their own.
enum SmallFile {
    /// The most that `${file:...}` may hold.
    static let valueBytesMax = 65_536

    /// All bytes of a file; at most `limit` + 1 of them, so that the caller sees when it was more.
    static func bytes(_ path: String, limit: Int) throws(SystemError) -> [UInt8] {
        try LocalFile.openRegular(path).bytes(limit: limit).array
    }

    /// The text of a file that holds one value, without what editors, shells and other systems put around it: a byte
    /// order mark, blanks, carriage returns, empty lines. No token or key has those at its ends.
    static func value(_ path: String) throws(SecretError) -> String {
        var bytes: [UInt8]
        do { bytes = try SmallFile.bytes(path, limit: valueBytesMax) } catch {
            throw .unreadable(path: path, reason: error.reason)
        }
        if bytes.count > valueBytesMax { throw .tooLarge(path: path) }
        bytes = stripped(bytes)
        if bytes.isEmpty { throw .empty(path: path) }
        if bytes.contains(UInt8(ascii: "\n")) || bytes.contains(UInt8(ascii: "\r")) { throw .severalLines(path: path) }
        guard !bytes.contains(0), let text = String(validating: bytes, as: UTF8.self) else {
            throw .notText(path: path)
        }
        return text
    }

    private static func stripped(_ bytes: [UInt8]) -> [UInt8] {
        let blanks = Array(" \t\r\n".utf8)
        var rest = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? bytes.dropFirst(3) : bytes[...]
        rest = rest.drop { blanks.contains($0) }
        while let last = rest.last, blanks.contains(last) { rest.removeLast() }
        return Array(rest)
    }
}
