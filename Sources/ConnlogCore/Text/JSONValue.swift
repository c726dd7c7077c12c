/// JSON for programs, written in the order in which it was put together.
package indirect enum JSONValue: Sendable, Equatable {
    case null
    case boolean(Bool)
    case integer(Int64)
    case unsigned(UInt64)
    case string(String)
    case array([JSONValue])
    case object([Member])
    /// Text that is JSON already.
    case raw(String)

    package struct Member: Sendable, Equatable {
        package let key: String
        package let value: JSONValue

        package init(key: String, value: JSONValue) {
            self.key = key
            self.value = value
        }
    }

    /// In one line.
    package var line: String {
        var text = ""
        write(to: &text, indent: nil)
        return text
    }

    /// In lines with two blanks for each level, and a line feed at the end.
    package var document: String {
        var text = ""
        write(to: &text, indent: 0)
        return text + "\n"
    }

    private func write(to text: inout String, indent: Int?) {
        switch self {
        case .null: text += "null"
        case .boolean(let value): text += value ? "true" : "false"
        case .integer(let value): text += String(value)
        case .unsigned(let value): text += String(value)
        case .string(let value): JSONValue.add(value, to: &text)
        case .raw(let value): text += value
        case .array(let values):
            JSONValue.list(values, "[", "]", &text, indent) { value, text, indent in
                value.write(to: &text, indent: indent)
            }
        case .object(let members):
            JSONValue.list(members, "{", "}", &text, indent) { member, text, indent in
                JSONValue.add(member.key, to: &text)
                text += indent == nil ? ":" : ": "
                member.value.write(to: &text, indent: indent)
            }
        }
    }

    /// Most of what is written is plain, and needs no text of its own.
    private static func add(_ value: String, to text: inout String) {
        guard JSONText.isPlain(value) else {
            text += JSONText.quoted(value)
            return
        }
        text += "\""
        text += value
        text += "\""
    }

    private static func list<Element>(
        _ elements: [Element], _ open: String, _ close: String, _ text: inout String, _ indent: Int?,
        _ write: (Element, inout String, Int?) -> Void
    ) {
        text += open
        for (index, element) in elements.enumerated() {
            if index > 0 { text += "," }
            if let indent { text += "\n" + String(repeating: "  ", count: indent + 1) }
            write(element, &text, indent.map { $0 + 1 })
        }
        if let indent, !elements.isEmpty { text += "\n" + String(repeating: "  ", count: indent) }
        text += close
    }
}

extension JSONValue: ExpressibleByStringLiteral, ExpressibleByDictionaryLiteral, ExpressibleByBooleanLiteral {
    package init(stringLiteral value: String) { self = .string(value) }
    package init(booleanLiteral value: Bool) { self = .boolean(value) }
    package init(dictionaryLiteral elements: (String, JSONValue)...) {
        self = .object(elements.map { Member(key: $0.0, value: $0.1) })
    }

    package init(_ value: Int) { self = .integer(Int64(value)) }
    package init(_ value: UInt64) { self = .unsigned(value) }
    /// `null` for nothing.
    package init(_ value: String?) { self = value.map { .string($0) } ?? .null }
}
