/// Reads `[kind]` and `[kind "name"]`.
struct HeadingScanner {
    private let line: [Character]
    private var index: Int

    /// - Parameter start: where the `[` stands.
    init(_ line: [Character], from start: Int) {
        self.line = line
        index = start
    }

    /// The kind in small letters and the name.
    mutating func scan() throws(SyntaxError) -> (kind: String, name: String?) {
        let start = index
        index += 1
        skipBlanks()
        let kind = String(take { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_" || $0 == "-") })
        if kind.isEmpty || kind.count > 64 {
            throw fail("a section is written [kind] or [kind \"name\"], such as [connlog]")
        }
        skipBlanks()
        let name = try next == "]" ? nil : scanName(kind)
        skipBlanks()
        if name != nil, next != nil, next != "]" {
            throw fail("text between the name and ']'; write [\(kind) \"name\"]")
        }
        guard next == "]" else {
            throw SyntaxError(index: start, message: "the heading has no ']'; write [\(kind)] or [\(kind) \"name\"]")
        }
        index += 1
        skipBlanks()
        if next != nil { throw fail("text after ']'; put it on a line of its own, with '#' if it is a comment") }
        return (kind.lowercased(), name)
    }

    private mutating func scanName(_ kind: String) throws(SyntaxError) -> String {
        let start = index
        guard next == "\"" else {
            if next == nil { throw fail("the heading has no ']'; write [\(kind)] or [\(kind) \"name\"]") }
            throw fail("the name stands in quotes: [\(kind) \"name\"]")
        }
        index += 1
        let name = String(take { $0 != "\"" })
        guard next == "\"" else {
            throw SyntaxError(index: start, message: "the name has no closing quote; write [\(kind) \"name\"]")
        }
        index += 1
        guard Section.isName(name) else {
            throw SyntaxError(
                index: start,
                message: "a name is 1 to 64 letters (a-z, A-Z), digits, '.', '_' and '-', not \"\(shown(name))\"")
        }
        return name
    }

    private var next: Character? { index < line.count ? line[index] : nil }

    private mutating func skipBlanks() { _ = take(while: isBlank) }

    private mutating func take(while matches: (Character) -> Bool) -> ArraySlice<Character> {
        let taken = line[index...].prefix(while: matches)
        index = taken.endIndex
        return taken
    }

    private func fail(_ message: String) -> SyntaxError { SyntaxError(index: index, message: message) }
}
