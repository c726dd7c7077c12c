import Testing

/// One word for one thing: what `CONTRIBUTING.md` says under "Words that mean something else here".
@Suite struct WordTests {
    /// A word that is not used, and where it is all the same.
    struct Rule: Sendable, CustomTestStringConvertible {
        /// As the table in `CONTRIBUTING.md` shows it.
        let word: String
        let pattern: String
        var paths = ["Sources/*.swift", "Sources/*.c", "Sources/*.h", "*.md", "config/connlog.ini"]
        /// What makes a line right that has the word.
        var unless: String?

        var testDescription: String { word }
    }

    static let rules = [
        Rule(
            word: "behind", pattern: #"\b[Bb]ehind\b"#,
            // Somebody or something is between, has fallen back, or has left something.
            unless: #"(left|leav(e|es|ing)|further|lags?|hides?) (\S+ ){0,5}behind|clock (that )?is behind|"#
                + #"[Bb]ehind (\w+ ){0,2}(proxy|balancer|address|TLS|reference|us|enum)\b|figures behind|behind `committed`"#
        ),
        Rule(word: "patience", pattern: #"\b(struct|class|enum|actor) \w*Patience\b"#),
        Rule(word: "lane", pattern: #"\b[Ll]anes?\b"#, paths: ["Sources/*.swift"]),
        Rule(word: "bench", pattern: #"\b\w*[Bb]ench(es)?\b"#, paths: ["Sources/*.swift"]),
        Rule(
            word: "place", pattern: #"\.(record|event|note|hasNote)\((at: )?place\)"#, paths: ["Sources/*.swift"]),
        Rule(
            word: "in order to", pattern: #"\b([Ii]n order to|[Uu]tili[sz]e|[Ll]everage|[Ss]eamless(ly)?|[Rr]obust)\b"#),
        Rule(word: "whitelist", pattern: #"\b([Ww]hite|[Bb]lack)-?list"#),
    ]

    @Test(arguments: rules) func `a word that means something else is not used`(rule: Rule) throws {
        let allowed = try rule.unless.map { try Regex($0) }
        for finding in try Repository.findings(rule.pattern, in: rule.paths) where finding.path != "CONTRIBUTING.md" {
            let isAllowed = try allowed.map { try $0.firstMatch(in: finding.line) != nil } ?? false
            #expect(isAllowed, "\(finding): not '\(rule.word)'; CONTRIBUTING.md says what instead")
        }
    }

    @Test(arguments: rules) func `whoever is told of a word finds what to say instead`(rule: Rule) throws {
        #expect(try Repository.lines(of: "CONTRIBUTING.md").contains { $0.hasPrefix("| \(rule.word) | ") })
    }

    @Test func `the rule about a word finds it where it is wrong, and lets it be where it is right`() throws {
        let rule = try #require(Self.rules.first { $0.word == "behind" })
        let allowed = try Regex(try #require(rule.unless))
        #expect(try allowed.firstMatch(in: "the line feed behind it") == nil)
        #expect(try allowed.firstMatch(in: "where browsers find it behind a proxy") != nil)
        #expect(try allowed.firstMatch(in: "what a crash has left of it behind") != nil)
    }
}
