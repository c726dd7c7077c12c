package import ConnlogCore

/// A query applied to events as they come, each on its own. What is not known then is refused first: `unwatchable`. Who
/// somebody was is asked of the store: `wants`.
package struct EventMatcher {
    private let terms: [RowQuery.Term]
    private var scanner = EventScanner()
    private var fields = EventFields()

    package init(_ query: RowQuery) { terms = query.terms }

    /// Terms that no event by itself can decide, with the reason and the way out.
    package static func unwatchable(_ query: FilterQuery) -> [(term: FilterTerm, why: String)] {
        query.terms.compactMap { term in why(term.condition).map { (term, $0) } }
    }

    private static func why(_ condition: FilterCondition) -> String? {
        switch condition {
        case .duration:
            "how long a connection lasted is not known when its events come; watch event:disconnected, which is told at "
                + "its end"
        case .newAddress:
            "what is new is a matter of a range in the past; watch without it, and ask for the list with it"
        case .status(.lost), .status(.unconfirmed):
            "no event says that, since it is what no more is heard of; watch event:connected and event:disconnected, and "
                + "ask for the list with it"
        case .status(.startUnknown):
            "it is not known when an event comes; watch event:disconnected, and ask for the list with it"
        case .any(let conditions), .all(let conditions): conditions.compactMap(why).first
        default: nil
        }
    }

    /// The event in a line, if it matches.
    package mutating func event(_ line: [UInt8]) -> ConnectionEvent? {
        guard scanner.scan(line.span, into: &fields) == .connectionLog else { return nil }
        for term in terms {
            if case .people = term.condition { continue }
            if holds(term.condition, line) == term.isNegated { return nil }
        }
        return ConnectionEvent(line.span, fields.index)
    }

    /// Whether the query asks for somebody who this is, or for nobody in particular.
    package func wants(_ person: Person?) -> Bool {
        terms.allSatisfy { term in
            guard case .people(let ids) = term.condition else { return true }
            let isMeant = person?.id.map { id in ids.contains { $0.lowercased() == id.lowercased() } } ?? false
            return isMeant != term.isNegated
        }
    }

    private func holds(_ condition: RowQuery.Condition, _ line: [UInt8]) -> Bool {
        switch condition {
        case .row(let condition): fields.index.satisfies(condition, line.span)
        case .state(let status, _): fields.index.satisfies(.status(status), line.span)
        case .any(let parts): parts.contains { holds($0, line) }
        case .all(let parts): parts.allSatisfy { holds($0, line) }
        case .organizations(let ids): ids.contains { fields.index.satisfies(.organization($0.lowercased()), line.span) }
        case .owners(let ids): ids.contains { fields.index.satisfies(.ownerID($0.lowercased()), line.span) }
        case .people: true
        case .users(let ids): ids.contains { fields.index.satisfies(.userID($0.lowercased()), line.span) }
        }
    }
}
