@testable import ConnlogCore
@testable import ConnlogSystem

/// A filter query: mistakes lie inside it, each term means alone what it means among others, and Coder's dialect is a
/// part of ours.
enum FilterTarget {
    private static let now: Nanoseconds = 1_752_142_478_000_000_000
    private static let events = [
        #"{"ts":"2025-07-03T05:09:41.9Z","msg":"connection_log","fields":{"ID":"a","WorkspaceName":"dev","Type":"ssh","#
            + #""Code":0,"Ip":"203.0.113.7","Time":"2025-07-03T05:09:41Z","ConnectionStatus":"connected","#
            + #""WorkspaceID":"7a6fafdc-e3d0-43cb-a1b7-1f19802d7908"}}"#,
        #"{"msg":"connection_log","fields":{"AppName":"cursor","Code":404,"Type":"workspace_app","Ip":"::1"}}"#,
    ].map { Array($0.utf8) }

    static func check(_ bytes: [UInt8]) throws(Finding) {
        let text = String(decoding: bytes, as: UTF8.self)
        let coder = try parse(text, .coder)
        let ours = try parse(text, .connlog)
        // Lists, patterns and owners of workspaces are ours, and in quotes all is as it stands.
        if let coder, !text.contains(where: { ",*/".contains($0) }) {
            try expect(ours == coder, "our dialect reads Coder's otherwise")
        }
        guard let ours else { return }
        let query = Array(text.utf8)
        let alone = try ours.map { (term) throws(Finding) in
            let part = String(decoding: query[term.range], as: UTF8.self)
            let terms = try parse(part, .connlog)
            try expect(terms?.count == 1, "'\(part)' alone is no term")
            try expect(terms?.first?.condition == term.condition, "'\(part)' alone means something else")
            return part
        }
        for event in events {
            let separately = alone.allSatisfy { matches($0, event) }
            try expect(matches(text, event) == separately, "the terms together are not all of them")
        }
    }

    private static func parse(_ text: String, _ dialect: FilterDialect) throws(Finding) -> [FilterTerm]? {
        let query: FilterQuery
        do throws(FilterErrors) {
            query = try FilterQuery(text, dialect: dialect, now: now)
        } catch {
            try expect(!error.all.isEmpty, "refused without a word")
            for mistake in error.all { try check(mistake.range, text) }
            return nil
        }
        for term in query.terms { try check(term.range, text) }
        return query.terms
    }

    private static func check(_ range: Range<Int>, _ text: String) throws(Finding) {
        try expect(!range.isEmpty && range.upperBound <= text.utf8.count, "\(range) of \(text.utf8.count) bytes")
    }

    private static func matches(_ text: String, _ event: [UInt8]) -> Bool {
        guard let query = try? FilterQuery(text, dialect: .connlog, now: now) else { return false }
        var filter = QueryFilter(query)
        return filter.matches(event.span)
    }
}
