/// A configuration file as lines of characters, without their ends.
struct SourceText: Sendable {
    /// A larger file is no configuration.
    static let bytesMax = 1_048_576
    /// A longer line is no line of a configuration.
    static let lineBytesMax = 65_536

    let file: String
    let lines: [[Character]]

    /// Takes UTF-8 with LF or CRLF line ends, with or without a byte order mark.
    /// - Throws: the first place that is not such text; nothing of the file means anything then.
    init(_ bytes: [UInt8], file: String) throws(Diagnostic) {
        self.file = file
        guard bytes.count <= SourceText.bytesMax else {
            throw Diagnostic(
                .error, .wholeFile(file), "the file is larger than 1 MiB; split it with 'include', or name another one")
        }
        var rest = bytes[...]
        if rest.starts(with: [0xEF, 0xBB, 0xBF]) { rest = rest.dropFirst(3) }
        var lines: [[Character]] = []
        while !rest.isEmpty {
            let end = rest.firstIndex(of: UInt8(ascii: "\n")) ?? rest.endIndex
            var line = rest[..<end]
            rest = rest[min(end + 1, rest.endIndex)...]
            if line.last == UInt8(ascii: "\r") { line = line.dropLast() }
            lines.append(try SourceText.characters(line, file: file, number: lines.count + 1))
        }
        self.lines = lines
    }

    private static func characters(
        _ line: ArraySlice<UInt8>, file: String, number: Int
    ) throws(Diagnostic) -> [Character] {
        if line.count > lineBytesMax {
            throw Diagnostic(
                .error, Place(file: file, line: number, column: 1), "the line is longer than 64 KiB; shorten it")
        }
        guard let text = String(validating: line, as: UTF8.self) else {
            let column = String(decoding: validPrefix(line), as: UTF8.self).count + 1
            throw Diagnostic(
                .error, Place(file: file, line: number, column: column),
                "a byte that is not UTF-8 text; save the file as UTF-8")
        }
        let characters = Array(text)
        for (index, character) in characters.enumerated() {
            if let problem = refusal(of: character) {
                throw Diagnostic(.error, Place(file: file, line: number, column: index + 1), problem)
            }
        }
        return characters
    }

    private static func validPrefix(_ line: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        do {
            _ = try UTF8Span(validating: line.span)
            return line
        } catch { return line.prefix(error.byteOffsets.lowerBound) }
    }

    private static func refusal(of character: Character) -> String? {
        for scalar in character.unicodeScalars {
            switch scalar.value {
            case 0: return "a NUL byte; save the file as UTF-8 text"
            case 9: continue
            case 0..<0x20, 0x7F: return "a control character; remove it, or write \\n or \\t inside quotes"
            default: continue
            }
        }
        return nil
    }
}
