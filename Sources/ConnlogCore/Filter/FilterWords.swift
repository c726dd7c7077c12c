/// Why one term cannot be read.
struct FilterMistake: Error {
    let text: String
    init(_ text: String) { self.text = text }
}

/// What is said of a term that cannot be read: in Coder's dialect what Coder's API says, in ours what was written, as it was,
/// and what can be.
struct FilterWords {
    let dialect: FilterDialect
    private let key: String
    private let piece: FilterLexer.Piece
    /// As it was written.
    let shownValue: String

    /// - Parameter key: without what negates it.
    init(_ key: String, _ piece: FilterLexer.Piece, _ dialect: FilterDialect) {
        self.init(key, piece, dialect, piece.shownValue)
    }

    private init(_ key: String, _ piece: FilterLexer.Piece, _ dialect: FilterDialect, _ shownValue: String) {
        (self.key, self.piece, self.dialect, self.shownValue) = (key, piece, dialect, shownValue)
    }

    /// Those of one value of a list.
    func of(_ shownValue: String) -> FilterWords { FilterWords(key, piece, dialect, shownValue) }

    var unknownKey: FilterMistake {
        if dialect == .coder { return FilterMistake("\"\(key)\" is not a valid query param") }
        let shown = piece.shownKey.hasPrefix("-") ? String(piece.shownKey.dropFirst()) : piece.shownKey
        return FilterMistake(
            "'\(shown)' is not a key; there are \(FilterWords.list(FilterKey.all.map(\.name))); to look for a text with a colon, put "
                + "it in double quotes")
    }

    func isNone(of choices: [String]) -> FilterMistake {
        if dialect == .coder {
            return FilterMistake(
                "Query param \"\(key)\" has invalid value: \"\(piece.value)\" is not a valid value")
        }
        if choices.count == 1 {
            return FilterMistake("'\(shownValue)' cannot stand after \(key):; write \(key):\(choices[0])")
        }
        return isNo("\(key); write one of \(FilterWords.list(choices))", article: key == "event" ? "an" : "a")
    }

    var isNoUUID: FilterMistake {
        if dialect == .coder { return FilterMistake("Query param \"\(key)\" must be a valid uuid") }
        return isNo("UUID; write one such as 7a6fafdc-e3d0-43cb-a1b7-1f19802d7908")
    }

    /// - Parameter value: as Coder's API reads it.
    func isNoTime(_ value: String) -> FilterMistake {
        let layout = "2006-01-02T15:04:05.999999999Z07:00"
        return FilterMistake(
            "Query param \"\(key)\" must be a valid date format (\(layout)): "
                + "parsing time \"\(value)\" as \"\(layout)\": cannot parse it")
    }

    /// Of our dialect alone.
    func isNo(_ what: String, article: String = "a") -> FilterMistake {
        FilterMistake("'\(shownValue)' is not \(article) \(what)")
    }

    private static func list(_ words: [String]) -> String {
        words.dropLast().joined(separator: ", ") + " and " + (words.last ?? "")
    }
}
