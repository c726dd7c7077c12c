import Testing

/// Packages carry no data of languages, calendars and time zones (`Sources/CConnlog/no_locales.c`): nothing may want any.
@Suite struct NoLocalesTests {
    private static let page = ":!Sources/ConnlogAPI/Page/Files"

    private func expectNone(_ expression: String, sourceLocation: SourceLocation = #_sourceLocation) throws {
        for finding in try Repository.findings(expression, in: ["Sources", Self.page]) {
            Issue.record("\(finding)", sourceLocation: sourceLocation)
        }
    }

    @Test func `nothing is formatted or read by a language's rules`() throws {
        try expectNone(
            #"\b(Locale|Calendar|TimeZone|[A-Za-z0-9]*Formatter|FormatStyle|ParseStrategy)\b|String\(format:"#)
        try expectNone(#"\.formatted\(|\.(capitalized|localized[A-Z][A-Za-z]*)\b"#)
        // Dates of Foundation and GRDB are columns as text, by a formatter.
        try expectNone(#"\b(Date|DateComponents|Decimal)\("#)
    }

    @Test func `nothing is sorted or compared by a language's rules`() throws {
        // GRDB's own collations, and SQLite's extension.
        try expectNone(
            #"[lL]ocalized(CaseInsensitive|Standard|Compare)|unicodeCompare|caseInsensitiveCompare|icu_load_collation"#)
        try expectNone(#"applyingTransform|\.folding\(options|NSString|NSRegularExpression|NSPredicate"#)
    }
}
