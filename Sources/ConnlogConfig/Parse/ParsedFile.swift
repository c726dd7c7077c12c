/// A file after parsing: what stands where, and nothing about what it means.
struct ParsedFile: Sendable {
    let text: SourceText
    var sections: [ParsedSection] = []
    /// One for each line of `text`.
    var lines: [ParsedLine] = []

    var name: String { text.file }
}

/// What a line is, as far as it matters for showing it without a secret.
enum ParsedLine: Sendable {
    /// A comment, a heading or nothing: it may be shown.
    case plain
    /// `key = value` whose value begins after this many characters.
    case entry(valueStart: Int, isReference: Bool)
    /// No entry; `word` is what it begins with.
    case malformed(word: String)
}

struct ParsedSection: Sendable {
    let kind: String
    let name: String?
    let place: Place
    var entries: [ParsedEntry] = []
}

struct ParsedEntry: Sendable {
    /// With `-` written as `_`.
    let key: String
    let place: Place
    /// Where the value begins, or would begin.
    let valuePlace: Place
    /// `nil` when it could not be parsed, which has been reported.
    let value: Template?
    /// It comes after a quote that was not closed, so it may be a part of that value, perhaps of a secret.
    let isDoubtful: Bool
}

/// A value in which references have yet to be replaced.
struct Template: Sendable, Equatable {
    enum Part: Sendable, Equatable {
        case text(String)
        case reference(Reference, Place)
    }

    var parts: [Part]
    let isQuoted: Bool
    /// The value as it stands in the file, quotes included.
    let raw: String

    /// `key =` with nothing after it, which means: as if the key were not there. `""` is an empty text instead.
    var isUnset: Bool { parts.isEmpty && !isQuoted }

    var hasReferences: Bool { parts.contains { if case .reference = $0 { true } else { false } } }

    /// Made of references alone, without a default: nothing in it is secret.
    var isReferenceOnly: Bool {
        !parts.isEmpty
            && parts.allSatisfy {
                switch $0 {
                case .text, .reference(.environment(_, _?), _): false
                case .reference: true
                }
            }
    }
}

/// `${...}` in a value.
enum Reference: Sendable, Equatable {
    case environment(String, default: String?)
    case file(String)
    case credential(String)
    case dataDirectory
}
