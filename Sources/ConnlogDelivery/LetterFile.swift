import ConnlogCore
import ConnlogSystem

/// A file of dead letters, to which a line is added.
struct LetterFile {
    private let file: any OpenFile
    /// The beginning of a torn line is looked for backwards, so much at a time: a line may be of any size.
    static let pieceBytes = 1 << 20
    private static let lineFeed = ByteBuffer([UInt8(ascii: "\n")])

    init(_ file: any OpenFile) {
        self.file = file
    }

    /// Adds `line`, which ends with a line feed, and syncs it.
    /// - Returns: by how many bytes the file has grown; negative when a torn line was longer than the new one.
    func append(_ line: ByteBuffer) throws(SystemError) -> Int {
        let size = try file.size()
        let end = try mend(size)
        try write(line, at: end)
        try file.sync()
        return end + line.count - size
    }

    private func write(_ bytes: ByteBuffer, at position: Int) throws(SystemError) {
        var written = 0
        while written < bytes.count {
            let more = try file.write(bytes, written..<bytes.count, at: position + written)
            guard more > 0 else { throw SystemError(code: Errno.noSpace, call: "write", subject: "the dead letters") }
            written += more
        }
    }

    /// Sees to it that the file ends with a whole line, and returns where it ends.
    ///
    /// A crash or a full disk may have left a part of the last line. Its event was not committed, so it comes again, and
    /// the part is cut off. A line that only lacks its line feed gets it.
    private func mend(_ size: Int) throws(SystemError) -> Int {
        guard size > 0 else { return 0 }
        var last = ByteBuffer()
        _ = try file.read(into: &last, at: size - 1, count: 1)
        if last.span[0] == UInt8(ascii: "\n") { return size }
        let start = try startOfLastLine(size)
        guard !(try isWhole(start..<size)) else {
            try write(LetterFile.lineFeed, at: size)
            return size + 1
        }
        try file.truncate(to: start)
        return start
    }

    private func startOfLastLine(_ size: Int) throws(SystemError) -> Int {
        var end = size
        while end > 0 {
            let from = max(0, end - LetterFile.pieceBytes)
            let piece = try bytes(from..<end)
            for place in stride(from: piece.count - 1, through: 0, by: -1) where piece[place] == UInt8(ascii: "\n") {
                return from + place + 1
            }
            end = from
        }
        return 0
    }

    private func isWhole(_ range: Range<Int>) throws(SystemError) -> Bool {
        LetterFile.isWhole(try bytes(range))
    }

    private func bytes(_ range: Range<Int>) throws(SystemError) -> [UInt8] {
        var buffer = ByteBuffer()
        while buffer.count < range.count {
            let position = range.lowerBound + buffer.count
            if try file.read(into: &buffer, at: position, count: range.upperBound - position) == 0 { break }
        }
        return buffer.array
    }

    /// Whether this is a JSON object from its first brace to its last: all braces outside of strings are closed at the
    /// last byte and not before.
    static func isWhole(_ line: [UInt8]) -> Bool {
        guard line.first == UInt8(ascii: "{") else { return false }
        var depth = 0
        var isInString = false
        var isEscaped = false
        for (place, byte) in line.enumerated() {
            if byte == 0 { return false }
            if isEscaped {
                isEscaped = false
            } else if isInString {
                if byte == UInt8(ascii: "\\") { isEscaped = true }
                if byte == UInt8(ascii: "\"") { isInString = false }
            } else if byte == UInt8(ascii: "\"") {
                isInString = true
            } else if byte == UInt8(ascii: "{") {
                depth += 1
            } else if byte == UInt8(ascii: "}") {
                depth -= 1
                if depth == 0 { return place == line.count - 1 }
            }
        }
        return false
    }
}
