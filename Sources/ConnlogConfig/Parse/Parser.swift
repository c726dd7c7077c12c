/// Turns lines into sections and entries.
///
///     [kind "name"]
///     # a comment: a line of its own
///     key = raw to the end of the line, trimmed
///     key = "quoted, with \" \\ \n \t"
///
/// It goes on after a mistake, so that all of them come out at once. It never quotes a value in a message, since it
/// does not know which ones are secret.
struct Parser {
    private(set) var file: ParsedFile
    private(set) var diagnostics: [Diagnostic] = []
    /// A heading could not be read, so what follows it belongs to nothing.
    private(set) var hasBrokenHeading = false
    private var isSkipping = false
    /// A quote of this section was not closed.
    private var isDoubtful = false

    init(_ text: SourceText) {
        file = ParsedFile(text: text)
        file.lines.reserveCapacity(text.lines.count)
    }

    mutating func parse() {
        for (index, line) in file.text.lines.enumerated() { file.lines.append(parse(line, number: index + 1)) }
    }

    private mutating func parse(_ line: [Character], number: Int) -> ParsedLine {
        guard let start = line.firstIndex(where: { !isBlank($0) }) else { return .plain }
        switch line[start] {
        case "#", ";": return .plain
        case "[":
            parseHeading(line, from: start, number: number)
            return .plain
        default: return parseEntry(line, from: start, number: number)
        }
    }

    // MARK: Headings

    private mutating func parseHeading(_ line: [Character], from start: Int, number: Int) {
        var heading = HeadingScanner(line, from: start)
        do {
            let (kind, name) = try heading.scan()
            isSkipping = false
            isDoubtful = false
            file.sections.append(ParsedSection(kind: kind, name: name, place: place(number, start)))
        } catch {
            isSkipping = true
            hasBrokenHeading = true
            report(number, error.index, error.message)
        }
    }

    // MARK: Entries

    private mutating func parseEntry(_ line: [Character], from start: Int, number: Int) -> ParsedLine {
        guard let equals = line[start...].firstIndex(of: "="), let key = key(line[start..<equals]) else {
            return malformed(line, from: start, number: number)
        }
        let from = line[(equals + 1)...].firstIndex { !isBlank($0) } ?? line.count
        if line[from...].first != "\"" { warnOfComment(line, after: equals, number: number) }
        var template: Template?
        var isOpen = false
        do throws(SyntaxError) {
            template = try ValueScanner.scan(line, from: from) { place(number, $0) }
        } catch {
            isOpen = error.isOpenQuote
            report(number, error.index, error.message)
        }
        add(
            ParsedEntry(
                key: key, place: place(number, start), valuePlace: place(number, from), value: template,
                isDoubtful: isDoubtful))
        defer { isDoubtful = isDoubtful || isOpen }
        return .entry(valueStart: isDoubtful ? 0 : from, isReference: template?.isReferenceOnly ?? false)
    }

    private mutating func add(_ entry: ParsedEntry) {
        if isSkipping { return }
        if file.sections.isEmpty {
            diagnostics.append(
                Diagnostic(
                    .error, entry.place, "this stands before the first section; begin with one such as [connlog]"))
            isSkipping = true
            return
        }
        file.sections[file.sections.count - 1].entries.append(entry)
    }

    /// The key's name when it is one: small letters, digits, `_` and `-`, which means `_`.
    private func key(_ characters: ArraySlice<Character>) -> String? {
        guard let end = characters.lastIndex(where: { !isBlank($0) }) else { return nil }
        let name = characters[characters.startIndex...end]
        guard name.count <= 64, let first = name.first, ("a"..."z").contains(first) else { return nil }
        guard name.allSatisfy({ ("a"..."z").contains($0) || ("0"..."9").contains($0) || $0 == "_" || $0 == "-" })
        else { return nil }
        return String(name.map { $0 == "-" ? "_" : $0 })
    }

    private mutating func malformed(_ line: [Character], from start: Int, number: Int) -> ParsedLine {
        let word = String(line[start...].prefix { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") })
        if start > 0 {
            report(number, start, "an indented line does not continue the value above; write the value on one line")
        } else if line.contains("="), word.lowercased() != word {
            report(number, start, "keys are written in small letters, digits and '_', such as data_dir")
        } else {
            report(number, start, "this is neither a [section] nor 'key = value'; comments begin with '#'")
        }
        return .malformed(word: word)
    }

    private mutating func warnOfComment(_ line: [Character], after equals: Int, number: Int) {
        for index in line.indices.dropFirst(equals + 2)
        where (line[index] == "#" || line[index] == ";") && isBlank(line[index - 1]) {
            diagnostics.append(
                Diagnostic(
                    .warning, place(number, index),
                    "'\(line[index])' begins no comment here and is part of the value; put the comment on a line of its "
                        + "own, or the value in quotes"))
            return
        }
    }

    private mutating func report(_ number: Int, _ index: Int, _ message: String) {
        diagnostics.append(Diagnostic(.error, place(number, index), message))
    }

    private func place(_ number: Int, _ index: Int) -> Place {
        Place(file: file.name, line: number, column: index + 1)
    }
}

/// A mistake at a character of a line, counted from 0.
struct SyntaxError: Error {
    let index: Int
    let message: String
    /// A quote was not closed: the value may have been meant to go on in the next line.
    var isOpenQuote = false
}

func isBlank(_ character: Character) -> Bool { character == " " || character == "\t" }
