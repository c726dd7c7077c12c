package import ConnlogCore
import ConnlogSystem

/// What somebody asks the store for: a filter whose names have become ids.
///
/// Names are looked up once, before the rows are: the store itself knows no people. An unknown name matches nothing.
package struct RowQuery: Sendable {
    package let terms: [Term]
    /// So many of them are somebody's own; the others say what they may see.
    let askedCount: Int
    /// What its pages and counts need not find out anew.
    let memory: QuestionMemory

    /// One condition; all must hold.
    package struct Term: Sendable {
        package let condition: Condition
        package let isNegated: Bool
        /// It says what somebody may see, and not what they ask for.
        package let isLimit: Bool

        package init(_ condition: Condition, isNegated: Bool = false, isLimit: Bool = false) {
            self.condition = condition
            self.isNegated = isNegated
            self.isLimit = isLimit
        }
    }

    package enum Condition: Sendable {
        /// One that rows can decide by themselves.
        case row(FilterCondition)
        // Any of these ids.
        case organizations([String])
        case owners([String])
        case users([String])
        /// Of an agent's connection, as of when the question was asked.
        case state(FilterStatus, StateBounds)
        case any([Condition])
        case all([Condition])
        /// Of whom it was, recorded or inferred.
        case people([String])
    }

    package init(_ terms: [Term] = []) {
        self.terms = terms
        askedCount = terms.count
        memory = QuestionMemory()
    }

    /// - Parameters:
    ///   - names: for the conditions on names.
    ///   - caller: the user whom `me` means; `nil` when the caller is nobody in particular, then `me` matches nothing.
    ///   - organizations: the only ones whose rows the caller may see; `nil`: all.
    ///   - bounds: when a connection without an end is open, and when it is lost.
    package init(
        _ query: FilterQuery, names: any Names, caller: String? = nil, organizations: [String]? = nil,
        bounds: StateBounds = .none
    ) {
        let resolver = Resolver(names: names, caller: caller, bounds: bounds)
        var terms = query.terms.flatMap { term -> [Term] in
            let condition = resolver.resolved(term.condition)
            // Each by itself may be gone along in an index.
            guard case .all(let parts) = condition, !term.isNegated else {
                return [Term(condition, isNegated: term.isNegated)]
            }
            return parts.map { Term($0) }
        }
        memory = QuestionMemory()
        askedCount = query.terms.reduce(0) { $0 + RowQuery.count($1.condition) }
        if let organizations { terms.append(Term(.organizations(organizations), isLimit: true)) }
        self.terms = terms
    }

    /// Those of its connections that began at or after one time and before another.
    package func beginning(from: Microseconds?, before to: Microseconds?) -> RowQuery {
        var terms = terms
        if let from { terms.append(Term(.row(.connectedAfter(from.nanoseconds)))) }
        if let to { terms.append(Term(.row(.connectedBefore(to.advanced(by: -1).clamped.nanoseconds)))) }
        return RowQuery(terms, of: self)
    }

    /// How many conditions it takes to read: each value of a list is one.
    private static func count(_ condition: FilterCondition) -> Int {
        switch condition {
        case .any(let parts), .all(let parts): parts.reduce(0) { $0 + count($1) }
        default: 1
        }
    }

    /// Since when what was asked for lies, as far as its own terms say: the latest beginning that a time range has.
    package var begin: Microseconds? {
        bounds { condition, isNegated in
            switch condition {
            case .connectedAfter(let time) where !isNegated: Microseconds(nanoseconds: time)
            case .connectedBefore(let time) where isNegated: Microseconds(nanoseconds: time).advanced(by: 1)
            case .during(let range) where !isNegated: range.from.map { Microseconds(nanoseconds: $0) }
            default: nil
            }
        }.max()
    }

    /// The same for its end: the earliest that a time range has.
    package var end: Microseconds? {
        bounds { condition, isNegated in
            switch condition {
            case .connectedBefore(let time) where !isNegated: Microseconds(nanoseconds: time)
            case .connectedAfter(let time) where isNegated: Microseconds(nanoseconds: time).advanced(by: -1)
            case .during(let range) where !isNegated: range.through.map { Microseconds(nanoseconds: $0) }
            default: nil
            }
        }.min()
    }

    private func bounds(_ bound: (FilterCondition, _ isNegated: Bool) -> Microseconds?) -> [Microseconds] {
        terms.compactMap { term in
            if case .row(let condition) = term.condition { bound(condition, term.isNegated) } else { nil }
        }
    }

    /// What says which rows whoever asks may see.
    var visibleTerms: [Term] { terms.filter { if case .organizations = $0.condition { $0.isLimit } else { false } } }

    var asksForNewAddresses: Bool { terms.contains { $0.condition.asksForNewAddresses } }

    /// What one term of a query has become: `terms` begin with those, in its order.
    package func terms(of query: FilterQuery) -> [[Term]] {
        var rest = terms[...]
        return query.terms.map { term in
            guard case .all(let parts) = term.condition, !term.isNegated else {
                return [rest.popFirst()].compactMap { $0 }
            }
            defer { rest = rest.dropFirst(parts.count) }
            return Array(rest.prefix(parts.count))
        }
    }

    /// The same without the conditions that rows are asked and that `isLeft` is true of.
    package func without(_ isLeft: (FilterCondition) -> Bool) -> RowQuery {
        let kept = terms.filter { term in
            if case .row(let condition) = term.condition { return !isLeft(condition) }
            return true
        }
        return RowQuery(kept, of: self)
    }

    /// The same, and what else must hold.
    package func with(_ more: [Term]) -> RowQuery { RowQuery(terms + more, of: self) }

    /// Of the same question, by the same person.
    private init(_ terms: [Term], of other: RowQuery) {
        (self.terms, askedCount, memory) = (terms, other.askedCount, other.memory)
    }
}

/// Turns names into ids.
private struct Resolver {
    let names: any Names
    let caller: String?
    let bounds: StateBounds

    func resolved(_ condition: FilterCondition) -> RowQuery.Condition {
        switch condition {
        case .any(let parts): RowQuery.Condition.joined(parts.map(resolved))
        case .all(let parts): .all(parts.map(resolved))
        case .status(let status) where ![.ongoing, .completed].contains(status): .state(status, bounds)
        case .like(.workspaceOwner, let pattern): .owners(users(pattern) { $0.isDeleted ? nil : $0.username })
        case .like(.workspaceOwnerEmail, let pattern): .owners(users(pattern) { $0.isDeleted ? nil : $0.email })
        case .like(.username, let pattern): .users(users(pattern) { $0.isDeleted ? nil : $0.username })
        case .like(.userEmail, let pattern): .users(users(pattern) { $0.email })
        case .like(.person, let pattern): .people(PersonWords.ids(pattern, names))
        case .like(.organization, let pattern):
            .organizations(names.organizations.filter { pattern.matches($0.name.lowercased()) }.map(\.id))
        default: RowQuery.Condition(condition, names, caller)
        }
    }

    private func users(_ pattern: TextPattern, _ text: (UserName) -> String?) -> [String] {
        names.users.filter { text($0).map { pattern.matches($0.lowercased()) } ?? false }.map(\.id)
    }
}

extension RowQuery.Condition {
    fileprivate var asksForNewAddresses: Bool {
        switch self {
        case .row(.newAddress): true
        case .any(let parts), .all(let parts): parts.contains(where: \.asksForNewAddresses)
        default: false
        }
    }

    /// One of several; ids of one kind together, so that an index is gone along for them.
    fileprivate static func joined(_ parts: [RowQuery.Condition]) -> RowQuery.Condition {
        var (owners, users, organizations) = ([String](), [String](), [String]())
        let people = parts.compactMap { if case .people(let ids) = $0 { ids } else { nil } }
        // Also where nobody has such a name: whoever it was is asked of the store, not of an event by itself.
        if people.count == parts.count { return .people(people.flatMap { $0 }) }
        for part in parts {
            switch part {
            case .owners(let ids): owners += ids
            case .users(let ids): users += ids
            case .organizations(let ids): organizations += ids
            default: return .any(parts)
            }
        }
        switch (owners.isEmpty, users.isEmpty, organizations.isEmpty) {
        case (false, true, true): return .owners(owners)
        case (true, false, true): return .users(users)
        case (true, true, false): return .organizations(organizations)
        default: return .any(parts)
        }
    }

    fileprivate init(_ condition: FilterCondition, _ names: any Names, _ caller: String?) {
        self =
            switch condition {
            case .organization(let text):
                .organizations(UUIDText.normalized(text).map { [$0] } ?? names.organizationIDs(named: text))
            case .workspaceOwner("me"): .owners(caller.map { [$0] } ?? [])
            case .workspaceOwner(let name): .owners(names.userIDs(named: name, evenDeleted: false))
            case .workspaceOwnerEmail(let email): .owners(names.userIDs(withEmail: email, evenDeleted: false))
            case .ownerID(let id): .owners([id])
            case .username("me"): .users(caller.map { [$0] } ?? [])
            case .username(let name): .users(names.userIDs(named: name, evenDeleted: false))
            case .userEmail(let email): .users(names.userIDs(withEmail: email, evenDeleted: true))
            case .userID(let id): .users([id])
            case .person(let text): .people(PersonWords.ids(text, names, caller))
            default: .row(condition)
            }
    }
}
