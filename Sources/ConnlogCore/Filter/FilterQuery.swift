public import ConnlogSystem

/// A filter query: Coder's language, and on request our additions.
///
///     type:ssh workspace_owner:me connected_after:"2026-01-01T00:00:00Z"
///     -type:tunnel ip:203.0.113.0/24 code:400-599 duration:>1h connected_after:-24h dev
///
/// Terms are joined by AND. Every mistake is reported, in the dialect `coder` with the text that Coder's API would give, in
/// ours with what was written and what can be. There is no OR, and a word that looks like one is a mistake, since it would
/// be looked for as text, and nothing would be found.
public struct FilterQuery: Sendable, Equatable {
    package let terms: [FilterTerm]

    /// - Parameters:
    ///   - text: such as `status:ongoing user:"jo"`.
    ///   - dialect: ours, or that of Coder's API.
    ///   - now: what times before now are counted from; nanoseconds since 1970.
    /// - Throws: every mistake in the text, with its place.
    public init(_ text: String, dialect: FilterDialect, now: Nanoseconds) throws(FilterErrors) {
        let lexer = FilterLexer(text, dialect)
        var terms = dialect == .connlog ? lexer.freeText.compactMap(FilterQuery.word) : []
        var errors = lexer.errors + FilterQuery.refused(lexer, dialect)
        for piece in lexer.pieces where !piece.value.isEmpty {
            let isNegated = dialect == .connlog && piece.key.hasPrefix("-")
            let key = isNegated ? String(piece.key.dropFirst()) : piece.key
            do throws(FilterMistake) {
                let condition = try FilterCondition(key, piece, dialect, now)
                var term = FilterTerm(condition: condition, isNegated: isNegated, range: piece.range)
                if dialect == .connlog, key.hasPrefix("connected_") { term.ago = FilterCondition.ago(piece.value) }
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
                "joins nothing here, since all terms must hold: ask for each by itself, leave the others out as in "
                    + "-type:tunnel, or list apps as in app:cursor,zed"
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

extension FilterCondition {
    /// - Parameter key: without what negates it.
    init(
        _ key: String, _ piece: FilterLexer.Piece, _ dialect: FilterDialect, _ now: Nanoseconds
    ) throws(FilterMistake) {
        let (value, words) = (piece.value, FilterWords(key, piece, dialect))
        switch key {
        case "type": self = .type(try FilterCondition.choice(words, value, except: .other))
        case "method": self = .method(try FilterCondition.choice(words, value, except: .other))
        case "status": self = .status(try FilterCondition.choice(words, value))
        case "app": self = .app(value.split(separator: ",").map { AppName.normalized(String($0)) })
        case "organization": self = .organization(UUIDText.normalized(value) ?? value)
        case "workspace_owner": self = .workspaceOwner(value)
        case "workspace_owner_email": self = .workspaceOwnerEmail(value)
        case "username": self = .username(value)
        case "user_email": self = .userEmail(value)
        case "connected_after": self = .connectedAfter(try FilterCondition.time(words, value, now))
        case "connected_before": self = .connectedBefore(try FilterCondition.time(words, value, now))
        case "workspace_id": self = .workspaceID(try FilterCondition.uuid(words, value))
        case "connection_id": self = .connectionID(try FilterCondition.uuid(words, value))
        default:
            guard dialect == .connlog else { throw words.unknownKey }
            self = try FilterCondition.own(key, value, words)
        }
    }

    private static func own(
        _ key: String, _ value: String, _ words: FilterWords
    ) throws(FilterMistake) -> FilterCondition {
        switch key {
        case "workspace": return .workspace(value)
        case "agent": return .agent(value)
        case "user_id": return .userID(try uuid(words, value))
        case "owner_id": return .ownerID(try uuid(words, value))
        case "event": return .event(try choice(words, value))
        case "code": return .code(try codes(words, value))
        case "duration":
            if let range = DurationRange.parse(value) { return .duration(range) }
            throw words.isNo("duration; write one such as >1h, <=90s, or a range such as 5m-2h")
        case "ip":
            if let block = AddressBlock(value) { return .address(block) }
            throw words.isNo("address; write one such as 203.0.113.7 or 203.0.113.0/24", article: "an")
        default: throw words.unknownKey
        }
    }

    private static func choice<Choice: RawRepresentable & Equatable & CaseIterable>(
        _ words: FilterWords, _ value: String, except excluded: Choice? = nil
    ) throws(FilterMistake) -> Choice where Choice.RawValue == String {
        if let choice = Choice(rawValue: value), choice != excluded { return choice }
        throw words.isNone(of: Choice.allCases.filter { $0 != excluded }.map(\.rawValue))
    }

    private static func uuid(_ words: FilterWords, _ value: String) throws(FilterMistake) -> String {
        if let uuid = UUIDText.normalized(value) { return uuid }
        throw words.isNoUUID
    }

    private static func time(
        _ words: FilterWords, _ value: String, _ now: Nanoseconds
    ) throws(FilterMistake) -> Nanoseconds {
        let upper = value.uppercased()
        if let time = EventTime.parse(upper) { return time }
        guard words.dialect == .connlog else { throw words.isNoTime(upper) }
        if let ago = ago(value) { return now.subtractingReportingOverflow(ago).overflow ? .min : now - ago }
        if let time = EventTime.parse(upper + "T00:00:00Z") { return time }
        throw words.isNo("time; write one such as 2026-03-03T07:00:00Z, a date such as 2026-03-03, or -24h")
    }

    /// `-24h`, `-7d`: that long before now.
    static func ago(_ value: String) -> Nanoseconds? {
        value.hasPrefix("-") ? DurationRange.length(value.dropFirst()) : nil
    }

    /// `403`, `400-599`.
    private static func codes(_ words: FilterWords, _ value: String) throws(FilterMistake) -> ClosedRange<Int> {
        if let code = Int(value) { return code...code }
        let parts = value.split(separator: "-", maxSplits: 1)
        if parts.count == 2, let low = Int(parts[0]), let high = Int(parts[1]), low <= high { return low...high }
        throw words.isNo("code; write one such as 403, or a range such as 400-599")
    }
}
