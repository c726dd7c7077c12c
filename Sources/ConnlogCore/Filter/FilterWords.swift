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

    /// - Parameter key: without what negates it.
    init(_ key: String, _ piece: FilterLexer.Piece, _ dialect: FilterDialect) {
        (self.key, self.piece, self.dialect) = (key, piece, dialect)
    }

    /// All keys of our dialect, Coder's first.
    private static let keys = [
        "type", "method", "status", "app", "organization", "workspace_owner", "workspace_owner_email", "username",
        "user_email", "connected_after", "connected_before", "workspace_id", "connection_id", "workspace", "agent",
        "user_id", "owner_id", "event", "code", "duration", "ip",
    ]

    var unknownKey: FilterMistake {
        if dialect == .coder { return FilterMistake("\"\(key)\" is not a valid query param") }
        let shown = piece.shownKey.hasPrefix("-") ? String(piece.shownKey.dropFirst()) : piece.shownKey
        return FilterMistake(
            "'\(shown)' is not a key; there are \(FilterWords.list(FilterWords.keys)); to look for a text with a colon, put "
                + "it in double quotes")
    }

    func isNone(of choices: [String]) -> FilterMistake {
        if dialect == .coder {
            return FilterMistake(
                "Query param \"\(key)\" has invalid value: \"\(piece.value)\" is not a valid value")
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
        FilterMistake("'\(piece.shownValue)' is not \(article) \(what)")
    }

    private static func list(_ words: [String]) -> String {
        words.dropLast().joined(separator: ", ") + " and " + (words.last ?? "")
    }
}
