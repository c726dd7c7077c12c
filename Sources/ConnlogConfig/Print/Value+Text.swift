extension Value {
    /// As it would be written in a file.
    func text(_ kind: ValueKind) -> String {
        switch (self, kind) {
        case (.integer(let bytes), .size), (.integer(let bytes), .sizeOrAuto): ByteSize.text(of: bytes)
        case (.integer(let mode), .fileMode): "0" + String(mode, radix: 8)
        case (.integer(let number), _): String(number)
        case (.duration(let duration), _): DurationText.text(of: duration)
        case (.boolean(let isOn), _): isOn ? "true" : "false"
        case (.list(let items), _): quotedIfNeeded(items.joined(separator: ", "))
        case (.address(let host, let port), _): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        case (.string(let text), _): quotedIfNeeded(text)
        }
    }
}

/// The text as a value that reads back the same.
func quotedIfNeeded(_ text: String) -> String {
    let isPlain =
        !text.isEmpty && !text.hasPrefix("\"") && trimmed(text) == text
        && !text.contains(where: { $0 == "\n" || $0 == "\t" || isControl($0) }) && !text.contains(" #")
        && !text.contains(" ;") && !text.hasPrefix("#") && !text.hasPrefix(";") && !text.contains("${")
    if isPlain { return text }
    var result = "\""
    for character in text {
        switch character {
        case "\"": result += "\\\""
        case "\\": result += "\\\\"
        case "\n": result += "\\n"
        case "\t": result += "\\t"
        case let other where isControl(other): result += "\u{FFFD}"
        default: result.append(character)
        }
    }
    return result.replacing("${", with: "$${") + "\""
}

extension ValueKind {
    /// What may be written, for people: `1ms to 1h`.
    var summary: String {
        switch self {
        case .string: "text"
        case .secret: "secret; never shown"
        case .path: "path"
        case .integer(let range): "number, \(bounds(range) { String($0) })"
        case .size(let range): "size, \(bounds(range, ByteSize.text(of:)))"
        case .sizeOrAuto(let range): "auto, or a size, \(bounds(range, ByteSize.text(of:)))"
        case .duration(let range): "duration, \(bounds(range, DurationText.text(of:)))"
        case .boolean: "true or false"
        case .choice(let choices): enumeration(choices)
        case .choiceWithPlanned(let choices, let planned):
            enumeration(choices) + "; planned: \(planned.joined(separator: ", "))"
        case .list: "list, separated by commas"
        case .fileMode: "file mode in octal digits"
        case .address: "host:port or [v6]:port"
        case .addresses: "host:port or [v6]:port, or several separated by commas"
        case .addressesOrPath:
            "host:port or [v6]:port, or several separated by commas; or the path of a local socket"
        case .urls: "URL, or several separated by commas"
        }
    }
}
