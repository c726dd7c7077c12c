/// Reads a value: raw or quoted text with `${...}` references in it; `$${` stands for `${` itself.
struct ValueScanner {
    /// A character of the value, the place it came from, and whether `\` took away its meaning.
    private struct Unit {
        let character: Character
        let index: Int
        var isEscaped = false
    }

    /// - Parameters:
    ///   - start: the first character of the value, or the end of the line.
    ///   - place: the place of a character of the line.
    static func scan(
        _ line: [Character], from start: Int, place: (Int) -> Place
    ) throws(SyntaxError) -> Template {
        let isQuoted = line[start...].first == "\""
        let units = try isQuoted ? quoted(line, from: start) : raw(line, from: start)
        let end = (line.lastIndex { !isBlank($0) } ?? start - 1) + 1
        return Template(
            parts: try parts(units, place: place), isQuoted: isQuoted, raw: String(line[start..<max(start, end)]))
    }

    private static func raw(_ line: [Character], from start: Int) -> [Unit] {
        let end = (line.lastIndex { !isBlank($0) } ?? -1) + 1
        return (start..<max(start, end)).map { Unit(character: line[$0], index: $0) }
    }

    private static func quoted(_ line: [Character], from start: Int) throws(SyntaxError) -> [Unit] {
        var units: [Unit] = []
        var index = start + 1
        while index < line.count {
            switch line[index] {
            case "\"":
                let after = line[(index + 1)...].firstIndex { !isBlank($0) }
                if let after { throw SyntaxError(index: after, message: afterQuote) }
                return units
            case "\\":
                guard index + 1 < line.count, let character = escapes[line[index + 1]] else {
                    throw SyntaxError(
                        index: index, message: "after '\\' stands one of \" \\ n t; write \\\\ for a backslash")
                }
                units.append(Unit(character: character, index: index, isEscaped: true))
                index += 2
            default:
                units.append(Unit(character: line[index], index: index))
                index += 1
            }
        }
        throw SyntaxError(
            index: start, message: "the quote is not closed; a value ends with its line", isOpenQuote: true)
    }

    private static let afterQuote =
        "text after the closing quote; remove it, write \\\" for a quote inside, or put a comment on a line of its own"
    private static let escapes: [Character: Character] = ["\"": "\"", "\\": "\\", "n": "\n", "t": "\t"]

    // MARK: References

    private static func parts(_ units: [Unit], place: (Int) -> Place) throws(SyntaxError) -> [Template.Part] {
        var parts: [Template.Part] = []
        var text = ""
        var index = 0
        while index < units.count {
            if isPlain("$", units, index), isPlain("$", units, index + 1), isPlain("{", units, index + 2) {
                text += "${"
                index += 3
            } else if isPlain("$", units, index), isPlain("{", units, index + 1) {
                if !text.isEmpty { parts.append(.text(text)) }
                text = ""
                let end = try closingBrace(units, from: index)
                let content = String(units[(index + 2)..<end].map(\.character))
                parts.append(.reference(try reference(content, at: units[index].index), place(units[index].index)))
                index = end + 1
            } else {
                text.append(units[index].character)
                index += 1
            }
        }
        if !text.isEmpty { parts.append(.text(text)) }
        return parts
    }

    private static func isPlain(_ character: Character, _ units: [Unit], _ index: Int) -> Bool {
        index < units.count && units[index].character == character && !units[index].isEscaped
    }

    private static func closingBrace(_ units: [Unit], from start: Int) throws(SyntaxError) -> Int {
        guard let end = units[start...].firstIndex(where: { $0.character == "}" && !$0.isEscaped }) else {
            throw SyntaxError(
                index: units[start].index, message: "'${' has no '}'; write $${ if the two characters are meant")
        }
        return end
    }

    private static func reference(_ content: String, at index: Int) throws(SyntaxError) -> Reference {
        if content == "data_dir" { return .dataDirectory }
        let halves = content.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        if halves.count == 2 {
            let argument = String(halves[1])
            switch halves[0] {
            case "env": return try environment(argument, at: index)
            case "file":
                if argument.hasPrefix("/") { return .file(argument) }
                throw SyntaxError(index: index, message: "${file:...} needs a path that begins with '/'")
            case "credential":
                if isCredentialName(argument) { return .credential(argument) }
                throw SyntaxError(index: index, message: "${credential:NAME} needs a name without '/'")
            default: break
            }
        }
        throw SyntaxError(
            index: index,
            message:
                "unknown reference; write ${env:NAME}, ${file:/path}, ${credential:NAME} or ${data_dir}, or $${ if "
                + "the two characters are meant")
    }

    private static func environment(_ argument: String, at index: Int) throws(SyntaxError) -> Reference {
        let name = argument.prefix { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") }
        let rest = argument[name.endIndex...]
        guard !name.isEmpty, rest.isEmpty || rest.hasPrefix(":-") else {
            throw SyntaxError(
                index: index, message: "write ${env:NAME} or ${env:NAME:-default}, the name in letters, digits and '_'")
        }
        return .environment(String(name), default: rest.isEmpty ? nil : String(rest.dropFirst(2)))
    }

    private static func isCredentialName(_ name: String) -> Bool {
        !name.isEmpty && name != "." && name != ".." && !name.contains("/")
    }
}
