public import ConnlogSystem

/// A filter query: Coder's language, and on request our additions.
///
///     type:ssh workspace_owner:me connected_after:"2026-01-01T00:00:00Z"
///     -type:tunnel ip:203.0.113.0/24 code:400-599 duration:>1h connected_after:-24h dev
///     during:2026-03-03T14:00..2026-03-03T16:00 workspace:alice/pay* type:ssh,vscode -hour:08-18 day:mon-fri
///
/// Terms are joined by AND. Every mistake is reported, in the dialect `coder` with the text that Coder's API would give, in
/// ours with what was written and what can be. There is no OR, and a word that looks like one is a mistake, since it would
/// be looked for as text, and nothing would be found.
public struct FilterQuery: Sendable, Equatable {
    package let terms: [FilterTerm]

    /// Whether it means others later.
    package var isMoving: Bool { terms.contains(where: \.isMoving) }

    /// - Parameters:
    ///   - text: such as `status:ongoing user:"jo"`.
    ///   - dialect: ours, or that of Coder's API.
    ///   - now: what times before now are counted from; nanoseconds since 1970.
    ///   - zone: by whose clocks times of day, days and times without an offset are meant, in our dialect.
    public init(
        _ text: String, dialect: FilterDialect, now: Nanoseconds, zone: Zone = .utc
    ) throws(FilterErrors) {
        let lexer = FilterLexer(text, dialect)
        var terms = dialect == .connlog ? lexer.freeText.compactMap(FilterQuery.word) : []
        var errors = lexer.errors + FilterQuery.refused(lexer, dialect)
        for piece in lexer.pieces where !piece.value.isEmpty {
            let isNegated = dialect == .connlog && piece.key.hasPrefix("-")
            let key = isNegated ? String(piece.key.dropFirst()) : piece.key
            do throws(FilterMistake) {
                let words = FilterWords(key, piece, dialect)
                guard let found = FilterKey.named[key], dialect == .connlog || found.isCoders else {
                    throw words.unknownKey
                }
                let value = FilterValue(
                    text: piece.value, words: words, isQuoted: piece.isQuoted, now: now, zone: zone)
                var term = FilterTerm(
                    condition: try found.condition(value), isNegated: isNegated, range: piece.range)
                if dialect == .connlog, key.hasPrefix("connected_") { term.ago = FilterValue.ago(piece.value) }
                terms.append(term)
            } catch {
                errors.append(FilterError(field: key, detail: error.text, range: piece.range))
            }
        }
        if !errors.isEmpty { throw FilterErrors(all: errors.sorted { $0.range.lowerBound < $1.range.lowerBound }) }
        self.terms = terms.sorted { $0.range.lowerBound < $1.range.lowerBound }
    }

    /// A word without a key; one that is empty but for quotes and a minus says nothing.
    private static func word(_ free: FilterLexer.Word) -> FilterTerm? {
        let isNegated = free.text.hasPrefix("-")
        let text = FilterLexer.unquoted(isNegated ? free.text.dropFirst() : free.text[...])
        if text.isEmpty { return nil }
        return FilterTerm(condition: .text(text), isNegated: isNegated, range: free.range)
    }

    /// What is refused beyond single terms: much of it by Coder, of words that stand between terms by us.
    private static func refused(_ lexer: FilterLexer, _ dialect: FilterDialect) -> [FilterError] {
        if dialect == .connlog { return lexer.freeText.compactMap(joint) }
        let free = lexer.freeText.prefix(1).map {
            FilterError(field: "search", detail: "\"search\" is not a valid query param", range: $0.range)
        }
        return free + repeated(lexer.pieces) + mixed(lexer.pieces)
    }

    /// A word by which other languages join conditions; in quotes it is one to look for.
    private static func joint(_ word: FilterLexer.Word) -> FilterError? {
        let way: String? =
            switch word.text {
            case "or", "|", "||":
                "joins nothing here, since all terms must hold: write several values of a key as in type:ssh,vscode, "
                    + "or leave the others out as in -type:tunnel"
            case "and", "&", "&&": "joins nothing here, since all terms must hold anyway: leave it out"
            case "not", "!": "turns nothing round here: write a minus before the term, as in -type:tunnel"
            default: nil
            }
        return way.map { way in
            let detail = "'\(word.shown)' \(way); to look for the word, put it in double quotes"
            return FilterError(field: "q", detail: detail, range: word.range)
        }
    }

    /// Keys that stand more than once; only `app` may.
    private static func repeated(_ pieces: [FilterLexer.Piece]) -> [FilterError] {
        Dictionary(grouping: pieces, by: \.key).compactMap { key, same in
            guard same.count > 1, key != "app" else { return nil }
            let detail =
                "Query param \"\(key)\" provided more than once, found \(same.count) times. "
                + "Only provide 1 instance of this query param."
            return FilterError(field: key, detail: detail, range: same[1].range)
        }
    }

    private static func mixed(_ pieces: [FilterLexer.Piece]) -> [FilterError] {
        let given = pieces.filter { !$0.value.isEmpty }
        guard let type = given.first(where: { $0.key == "type" }),
            given.contains(where: { $0.key == "method" || $0.key == "app" })
        else { return [] }
        return [FilterError(field: "type", detail: "type cannot be combined with method or app", range: type.range)]
    }
}

extension FilterQuery {
    /// All keys of our dialect, Coder's first.
    package static var keys: [String] { FilterKey.all.map(\.name) }
}
