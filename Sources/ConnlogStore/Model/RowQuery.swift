package import ConnlogCore

/// What somebody asks the store for: a filter whose names have become ids.
///
/// Names are looked up once, before the rows are: the store itself knows no people. An unknown name matches nothing.
package struct RowQuery: Sendable {
    package let terms: [Term]
    /// So many of them are somebody's own; the others say what they may see.
    let askedCount: Int

    /// One condition; all must hold.
    package struct Term: Sendable {
        package let condition: Condition
        package let isNegated: Bool

        package init(_ condition: Condition, isNegated: Bool = false) {
            self.condition = condition
            self.isNegated = isNegated
        }
    }

    package enum Condition: Sendable {
        /// One that rows can decide by themselves.
        case row(FilterCondition)
        // Any of these ids.
        case organizations([String])
        case owners([String])
        case users([String])
    }

    package init(_ terms: [Term] = []) {
        self.terms = terms
        askedCount = terms.count
    }

    /// - Parameters:
    ///   - names: for the conditions on names.
    ///   - caller: the user whom `me` means; `nil` when the caller is nobody in particular, then `me` matches nothing.
    ///   - organizations: the only ones whose rows the caller may see; `nil`: all.
    package init(_ query: FilterQuery, names: any Names, caller: String? = nil, organizations: [String]? = nil) {
        var terms = query.terms.map { term in
            Term(RowQuery.resolved(term.condition, names, caller), isNegated: term.isNegated)
        }
        askedCount = terms.count
        if let organizations { terms.append(Term(.organizations(organizations))) }
        self.terms = terms
    }

    private static func resolved(_ condition: FilterCondition, _ names: any Names, _ caller: String?) -> Condition {
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
        default: .row(condition)
        }
    }
}
