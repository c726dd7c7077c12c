#if Server
import ConnlogCore
import ConnlogStore
import ConnlogSystem
import HTTPTypes

/// Why nothing was found: looked for in the store, within a bound of time, by what whoever asks may see.
struct EmptyAnswer {
    private let question: Question
    /// What was said already, by its place in the query.
    private let told: [Warning]

    init(_ question: Question, told: [Warning]) { (self.question, self.told) = (question, told) }

    func reasons(within limit: Duration) async throws -> [Warning] {
        if let pair = contradiction { return [pair] }
        if !told.isEmpty { return [] }
        let store = question.store
        do {
            return try await question.ask { try await store.within(limit) { try await found() } }
        } catch let error as APIError where error.status == .serviceUnavailable {
            return [Warning(field: "q", detail: "nothing matches; why could not be found out in time")]
        }
    }

    private func found() async throws -> [Warning] {
        let (store, visible) = (question.store, question.asker.caller.everything)
        guard let span = try await store.span(visible) else {
            return [Warning(field: "q", detail: "there is no connection yet that you may see")]
        }
        if let warning = outside(span) { return [warning] }
        var warnings: [Warning] = []
        for (term, parts) in zip(question.filter.terms, question.query.terms(of: question.filter))
        where !term.isNegated && !EmptyAnswer.isTime(term.condition) {
            let alone = visible.with(parts)
            if try await store.page(alone, limit: 1, bytesMax: 1).rows.isEmpty {
                warnings.append(try await unmatched(term))
            }
        }
        if !warnings.isEmpty { return warnings }
        let untimed = question.query.without { EmptyAnswer.isTime($0) }
        if let newest = try await store.page(untimed, limit: 1, bytesMax: 1).rows.first {
            return [
                Warning(
                    field: "q",
                    detail: "nothing at these times; there are such connections at others, the newest at "
                        + newest.session.connect.text)
            ]
        }
        return [Warning(field: "q", detail: "each term matches something, but no connection matches all of them")]
    }

    private static func isTime(_ condition: FilterCondition) -> Bool {
        switch condition {
        case .connectedAfter, .connectedBefore, .during, .hours, .weekdays, .newAddress: true
        default: false
        }
    }

    // MARK: - Times

    /// The range that was asked for lies beside all that there is.
    private func outside(_ span: ClosedRange<Microseconds>) -> Warning? {
        for term in question.filter.terms where !term.isNegated {
            let (field, from, through): (String, Nanoseconds?, Nanoseconds?)
            switch term.condition {
            case .connectedAfter(let time): (field, from, through) = ("connected_after", time, nil)
            case .connectedBefore(let time): (field, from, through) = ("connected_before", nil, time)
            case .during(let range): (field, from, through) = ("during", range.from, range.through)
            default: continue
            }
            if let through, Microseconds(nanoseconds: through) < span.lowerBound {
                let words = "the store begins at \(span.lowerBound.text), after the end of what was asked for"
                return Warning(field: field, detail: words, range: term.range)
            }
            if field != "during", let from, Microseconds(nanoseconds: from) > span.upperBound {
                let words = "the newest connection began at \(span.upperBound.text), before what was asked for"
                return Warning(field: field, detail: words, range: term.range)
            }
        }
        return nil
    }

    // MARK: - Terms that exclude one another

    private var contradiction: Warning? {
        let terms = question.filter.terms.filter { !$0.isNegated }
        for (index, one) in terms.enumerated() {
            for other in terms[..<index] {
                guard let (key, first, second) = EmptyAnswer.values(other.condition, one.condition) else { continue }
                let words =
                    "\(key):\(first) and \(key):\(second) exclude one another; for both write \(key):\(first),\(second)"
                return Warning(field: key, detail: words, nearest: ["\(key):\(first),\(second)"], range: one.range)
            }
        }
        return nil
    }

    /// The key and the values of two terms of which a connection has one only.
    private static func values(_ one: FilterCondition, _ other: FilterCondition) -> (String, String, String)? {
        guard let (key, first) = value(one), let (same, second) = value(other), key == same, first != second,
            !named.contains(key) || Word(first).excludes(Word(second))
        else { return nil }
        return (key, first, second)
    }

    /// Keys whose values may be a name, an address, an id or `me`, so that two of them may be one.
    private static let named: Set = ["person", "username", "workspace_owner", "organization"]

    /// What kind of word stands for somebody. Told by the word alone: whether a name and an id are one is not said to
    /// everybody.
    private enum Word: Equatable {
        case me, id, address, name

        init(_ text: String) {
            self = text == "me" ? .me : UUIDText.normalized(text) != nil ? .id : text.contains("@") ? .address : .name
        }

        func excludes(_ other: Word) -> Bool { self == other && self != .me }
    }

    private static func value(_ condition: FilterCondition) -> (String, String)? {
        switch condition {
        case .type(let type): ("type", type.rawValue)
        case .method(let method): ("method", method.rawValue)
        case .app(let names): names.count == 1 ? ("app", names[0]) : nil
        case .organization(let name): ("organization", name)
        case .workspaceOwner(let name): ("workspace_owner", name)
        case .username(let name): ("username", name)
        case .person(let text): ("person", text)
        case .workspace(let name): ("workspace", name)
        case .agent(let name): ("agent", name)
        case .workspaceID(let id): ("workspace_id", id)
        case .userID(let id): ("user_id", id)
        case .ownerID(let id): ("owner_id", id)
        case .connectionID(let id): ("connection_id", id)
        case .event(let event): ("event", event.rawValue)
        default: nil
        }
    }

    // MARK: - Values that nothing has

    private func unmatched(_ term: FilterTerm) async throws -> Warning {
        let written = String(decoding: Array(question.text.utf8)[term.range], as: UTF8.self)
        var warning = Warning(
            field: EmptyAnswer.field(written), detail: "no connection has \(written)", range: term.range)
        for condition in Warnings.parts(term.condition) {
            guard let (column, name) = EmptyAnswer.column(condition) else { continue }
            let known = try await question.store.recentValues(column, question.asker.caller.everything)
            warning.nearest += Nearest.of(name, known)
        }
        if !warning.nearest.isEmpty { warning.detail += "; perhaps \(warning.nearest.joined(separator: ", "))" }
        if case .app(let names) = term.condition, let name = names.first {
            warning.detail +=
                "; app: is the client of SSH and terminal connections, an app in the browser is found by "
                + "type:workspace_app \(name.replacing("_", with: "-"))"
        }
        return warning
    }

    /// The key of a term as it was written; `q` for a word without one.
    static func field(_ written: String) -> String {
        let key = written.drop { $0 == "-" }.prefix { $0 != ":" }
        return written.contains(":") ? key.lowercased() : "q"
    }

    private static func column(_ condition: FilterCondition) -> (ConnectionStore.ValueColumn, String)? {
        switch condition {
        case .workspace(let name): (.workspace, name)
        case .agent(let name): (.agent, name)
        case .app(let names): names.first.map { (.app, $0) }
        case .reason(let part): (.reason, part)
        default: nil
        }
    }
}
#endif
