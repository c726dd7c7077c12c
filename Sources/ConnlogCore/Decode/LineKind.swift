/// What one line turned out to be.
package enum LineKind: Sendable, Equatable {
    /// A connection event. `EventIndex.shape` says whether it is a slog entry or must be reshaped first.
    case connectionLog
    /// An audit event, told by its message only: its fields are much the same.
    case auditLog
    /// Valid JSON that is neither: the rest of coderd's chatter, or not an object at all.
    case other
    case malformed(LineFault)
}

/// Why a line is not JSON, and where.
public struct LineFault: Sendable, Equatable, CustomStringConvertible {
    /// Why a line that looks like an event is none.
    public enum Reason: UInt8, CaseIterable, Sendable {
        case truncated, unexpectedByte, controlCharacter, badEscape, badUTF8, badNumber, badLiteral, trailingBytes
        case tooDeep, tooLong, badHumanLine, badContainerLine
        case lineTooLong, unfinished, mention, mark, utf16

        /// The counter's word.
        public var label: String {
            switch self {
            case .truncated: "truncated"
            case .unexpectedByte: "unexpected_byte"
            case .controlCharacter: "control_character"
            case .badEscape: "bad_escape"
            case .badUTF8: "bad_utf8"
            case .badNumber: "bad_number"
            case .badLiteral: "bad_literal"
            case .trailingBytes: "trailing_bytes"
            case .tooDeep: "too_deep"
            case .tooLong: "too_long"
            case .badHumanLine: "bad_human_line"
            case .badContainerLine: "bad_container_line"
            case .lineTooLong: "line_too_long"
            case .unfinished: "unfinished"
            case .mention: "mention"
            case .mark: "mark"
            case .utf16: "utf16"
            }
        }

        /// The same for a person.
        package var text: String {
            switch self {
            case .truncated: "the line ends in the middle of a value"
            case .unexpectedByte: "a byte that JSON does not allow here"
            case .controlCharacter: "a control character inside a string"
            case .badEscape: "an unknown escape inside a string"
            case .badUTF8: "bytes that are not UTF-8 inside a string"
            case .badNumber: "a number that JSON does not allow"
            case .badLiteral: "a word other than true, false and null"
            case .trailingBytes: "more bytes after the value"
            case .tooDeep: "objects and arrays nested deeper than 512"
            case .tooLong: "a line longer than 256 MiB"
            case .badHumanLine: "a connection_log line in text whose fields cannot be told apart"
            case .badContainerLine: "a wrapped line whose wrapping is damaged, or is not the one that the source names"
            case .lineTooLong: "a line longer than max_line of which no event could be made"
            case .unfinished: "a line whose end has not come"
            case .mention: "a line that holds connection_log and is no event in a form that is known"
            case .mark: "a mark that only connlog itself writes"
            case .utf16: "a line in UTF-16; only UTF-8 is read"
            }
        }
    }

    /// What is wrong.
    public let reason: Reason
    /// Bytes from the beginning of the line.
    public let position: Int

    package init(_ reason: Reason, at position: Int) {
        self.reason = reason
        self.position = position
    }

    /// In words, for people.
    public var description: String { "\(reason.text), at byte \(position)" }
}
