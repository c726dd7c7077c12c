/// Cuts a query into terms, as Coder does: spaces outside quotes separate, `key:value` is a term, the rest is free text.
/// All becomes lower case, which may change how long a text is; places are those in the query as it was.
///
/// A value with a `:` in it must stand in quotes for Coder; in our dialect the first `:` ends the key, so that times and IPv6
/// addresses are taken as they are meant.
struct FilterLexer {
    struct Piece: Equatable {
        var key: String
        var value: String
        /// Both as they were written, for messages of ours.
        var shownKey: String
        var shownValue: String
        /// The value begins with a double quote.
        var isQuoted = false
        var range: Range<Int>
    }

    struct Word: Equatable {
        var text: String
        /// As it was written.
        var shown: String
        var range: Range<Int>
    }

    private(set) var pieces: [Piece] = []
    private(set) var freeText: [Word] = []
    private(set) var errors: [FilterError] = []

    private let dialect: FilterDialect

    init(_ query: String, _ dialect: FilterDialect) {
        self.dialect = dialect
        for word in FilterLexer.words(Array(query.utf8)) {
            add(Array(FilterLexer.string(word.text).lowercased().utf8), word.text, word.range)
        }
    }

    /// - Parameter shown: the same as it was written.
    private mutating func add(_ text: [UInt8], _ shown: [UInt8], _ range: Range<Int>) {
        let colon = UInt8(ascii: ":")
        let word = Word(text: FilterLexer.string(text), shown: FilterLexer.string(shown), range: range)
        guard text.contains(colon) else { return freeText.append(word) }
        let parts = self.parts(of: text)
        let written = self.parts(of: shown).map(FilterLexer.plain)
        // In our dialect the last of several may be an address's, as in `fd7a::`.
        let isOpen = text.last == colon && parts.last.map { $0.count <= 1 } ?? true
        let told = FilterLexer.quoted(dialect == .coder ? text : shown)
        guard text.first != colon, !isOpen, dialect == .connlog || text.last != colon else {
            return fail("Query element \(told) cannot start or end with ':'", range)
        }
        switch parts.count {
        case 1: freeText.append(word)
        case 2:
            pieces.append(
                Piece(
                    key: FilterLexer.plain(parts[0]), value: FilterLexer.plain(parts[1]),
                    shownKey: written.first ?? "", shownValue: written.last ?? "",
                    isQuoted: parts[1].first == UInt8(ascii: "\""), range: range))
        default: fail("Query element \(told) can only contain 1 ':'", range)
        }
    }

    /// What stands between colons; in our dialect the first one ends the key, and there are no others.
    private func parts(of text: [UInt8]) -> [ArraySlice<UInt8>] {
        let parts = FilterLexer.split(text, at: UInt8(ascii: ":"))
        guard dialect == .connlog, parts.count > 2 else { return parts }
        return [parts[0], text[(parts[0].endIndex + 1)...]]
    }

    private static func plain(_ part: ArraySlice<UInt8>) -> String { unquoted(string(Array(part))[...]) }

    private mutating func fail(_ detail: String, _ range: Range<Int>) {
        errors.append(FilterError(field: "q", detail: detail, range: range))
    }

    /// The pieces between spaces that stand outside quotes.
    private static func words(_ query: [UInt8]) -> [(text: [UInt8], range: Range<Int>)] {
        split(query, at: UInt8(ascii: " ")).filter { !$0.isEmpty }.map { (Array($0), $0.startIndex..<$0.endIndex) }
    }

    /// Splits at a byte outside double quotes; empty parts stay.
    private static func split(_ text: [UInt8], at separator: UInt8) -> [ArraySlice<UInt8>] {
        var parts: [ArraySlice<UInt8>] = []
        var start = 0
        var isQuoted = false
        for (place, byte) in text.enumerated() {
            if byte == UInt8(ascii: "\"") { isQuoted.toggle() }
            guard byte == separator, !isQuoted else { continue }
            parts.append(text[start..<place])
            start = place + 1
        }
        parts.append(text[start...])
        return parts
    }

    /// Without the double quotes at both ends.
    static func unquoted(_ text: Substring) -> String {
        let quote = UInt8(ascii: "\"")
        let head = text.utf8.drop { $0 == quote }
        return string(Array(head.reversed().drop { $0 == quote }.reversed()))
    }

    private static func string(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

    /// As Go's `%q` writes it, as far as queries go.
    private static func quoted(_ text: [UInt8]) -> String {
        "\"" + string(text).map { $0 == "\"" || $0 == "\\" ? "\\\($0)" : "\($0)" }.joined() + "\""
    }
}
