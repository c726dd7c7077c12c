/// Why a text is not a value of its kind.
struct ValueProblem: Error, Equatable {
    /// Goes after the quoted value: `is not a duration; write ...`.
    let text: String
    /// A right way to write it, made of the value itself; `nil` when there is none.
    let example: String?
    /// The item of a list that it is about; `nil` for the whole value.
    let item: String?

    init(_ text: String, example: String? = nil, item: String? = nil) {
        self.text = text
        self.example = example
        self.item = item
    }
}

extension ValueKind {
    /// Reads a value.
    /// - Parameters:
    ///   - folder: what relative paths are relative to; empty for the working directory.
    ///   - example: a value of the key, for advice.
    func value(_ text: String, folder: String, like example: String? = nil) throws(ValueProblem) -> Value {
        switch self {
        case .string, .secret: .string(text)
        case .path: .string(try path(text, folder: folder))
        case .integer(let range): .integer(try integer(text, range))
        case .size(let range): .integer(try ByteSize.parse(text, range))
        case .sizeOrAuto where text == "auto": .string(text)
        case .sizeOrAuto(let range): .integer(try ByteSize.parse(text, range))
        case .duration(let range): .duration(try DurationText.parse(text, range))
        case .boolean: .boolean(try boolean(text))
        case .choice(let choices): .string(try choice(text, choices, planned: []))
        case .choiceWithPlanned(let choices, let planned): .string(try choice(text, choices, planned: planned))
        case .list: .list(try items(text))
        case .fileMode: .integer(try fileMode(text))
        case .address: try NetworkText.address(text, like: example)
        case .addresses: .list(try items(text).map { item throws(ValueProblem) in try address(item) })
        case .addressesOrPath where text.hasPrefix("/"): .list([text])
        case .addressesOrPath: .list(try items(text).map { item throws(ValueProblem) in try address(item) })
        case .urls: .list(try items(text).map { item throws(ValueProblem) in try NetworkText.url(item) })
        }
    }

    /// The item itself, when it is an address.
    private func address(_ item: String) throws(ValueProblem) -> String {
        do throws(ValueProblem) { _ = try NetworkText.address(item) } catch {
            throw ValueProblem(error.text, example: error.example, item: item)
        }
        return item
    }

    private func path(_ text: String, folder: String) throws(ValueProblem) -> String {
        if text.isEmpty { throw ValueProblem("is not a path; write one such as /var/log/connlog") }
        return resolve(text, in: folder)
    }

    private func integer(_ text: String, _ range: ClosedRange<Int>) throws(ValueProblem) -> Int {
        let digits = text.hasPrefix("-") ? text.dropFirst() : text[...]
        guard !digits.isEmpty, digits.utf8.allSatisfy(isDigit) else {
            throw ValueProblem("is not a number; write digits only, \(bounds(range) { String($0) })")
        }
        guard let number = Int(text), range.contains(number) else {
            throw ValueProblem("is out of range; write a number, \(bounds(range) { String($0) })")
        }
        return number
    }

    private func boolean(_ text: String) throws(ValueProblem) -> Bool {
        switch text.lowercased() {
        case "true", "yes", "on": true
        case "false", "no", "off": false
        default: throw ValueProblem("is neither true nor false; write true, false, yes, no, on or off")
        }
    }

    private func choice(_ text: String, _ choices: [String], planned: [String]) throws(ValueProblem) -> String {
        if choices.contains(text) { return text }
        if planned.contains(text) {
            throw ValueProblem("is not in this version of connlog yet; use \(enumeration(choices)) until it is")
        }
        let hint = suggestion(for: text, among: choices + planned).map { "; did you mean '\($0)'?" }
        throw ValueProblem("is not one of \(enumeration(choices))" + (hint ?? ""))
    }

    private func items(_ text: String) throws(ValueProblem) -> [String] {
        if text.isEmpty { return [] }
        let items = parts(text).map { trimmed($0) }
        if items.contains("") {
            throw ValueProblem("has nothing between two commas or at an end; write items such as a, b, c")
        }
        return items
    }

    /// Between commas; one after a backslash belongs to its item.
    private func parts(_ text: String) -> [String] {
        var parts = [""]
        var isEscaped = false
        for character in text {
            if isEscaped, character != "," { parts[parts.count - 1].append("\\") }
            if character == ",", !isEscaped {
                parts.append("")
            } else if isEscaped || character != "\\" {
                parts[parts.count - 1].append(character)
            }
            isEscaped = !isEscaped && character == "\\"
        }
        if isEscaped { parts[parts.count - 1].append("\\") }
        return parts
    }

    private func fileMode(_ text: String) throws(ValueProblem) -> Int {
        guard (3...4).contains(text.utf8.count), text.utf8.allSatisfy({ (48...55).contains($0) }),
            let mode = Int(text, radix: 8), mode <= 0o777
        else { throw ValueProblem("is not a file mode; write octal digits up to 0777, such as 0640") }
        return mode
    }
}

/// `path` as seen from the working directory, when it stands in a file of `folder`.
func resolve(_ path: String, in folder: String) -> String {
    if path.hasPrefix("/") || folder.isEmpty || path == "-" { return path }
    return folder == "/" ? "/" + path : folder + "/" + path
}

/// The folder part of a path: empty for a bare name.
func folder(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "" }
    return slash == path.startIndex ? "/" : String(path[..<slash])
}

/// `a, b or c`
func enumeration(_ words: [String]) -> String {
    guard words.count > 1, let last = words.last else { return words.first ?? "nothing" }
    return words.dropLast().joined(separator: ", ") + " or " + last
}

func trimmed(_ text: String) -> String {
    let characters = text.drop(while: isBlank)
    guard let last = characters.lastIndex(where: { !isBlank($0) }) else { return "" }
    return String(characters[...last])
}

func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

/// `1 to 9`, `1 or more`, as the range has it.
func bounds<Bound: Comparable>(_ range: ClosedRange<Bound>, _ text: (Bound) -> String) -> String {
    if let top = range.upperBound as? Int, top == Int.max { return "\(text(range.lowerBound)) or more" }
    return "\(text(range.lowerBound)) to \(text(range.upperBound))"
}
