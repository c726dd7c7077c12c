package import ConnlogSystem

/// One condition of a filter query; all terms of a query must hold.
package struct FilterTerm: Sendable, Equatable {
    package var condition: FilterCondition
    /// Written `-key:value`, a form of our own.
    package var isNegated: Bool
    /// Where it stands in the query, in bytes.
    package var range: Range<Int>
    /// For a time that is so long before now: the condition then has it as of when the query was read.
    package var ago: Nanoseconds?

    /// The condition as of now.
    func condition(now: Nanoseconds) -> FilterCondition {
        guard let ago else { return condition }
        let (time, overflows) = now.subtractingReportingOverflow(ago)
        switch condition {
        case .connectedAfter: return .connectedAfter(overflows ? .min : time)
        case .connectedBefore: return .connectedBefore(overflows ? .min : time)
        default: return condition
        }
    }
}

/// What an event, or a row of the store, must be like. Texts are lower case; they are compared without case.
package enum FilterCondition: Sendable, Equatable {
    // Coder's keys.
    case type(ConnectionType)
    case method(ConnectionMethod)
    /// Any of these client apps, under their normalized names.
    case app([String])
    case organization(String)
    case workspaceOwner(String)
    case workspaceOwnerEmail(String)
    case username(String)
    case userEmail(String)
    /// At this time or later.
    case connectedAfter(Nanoseconds)
    /// At this time or earlier.
    case connectedBefore(Nanoseconds)
    case workspaceID(String)
    case connectionID(String)
    case status(FilterStatus)
    // Ours.
    case workspace(String)
    case agent(String)
    case userID(String)
    case ownerID(String)
    case event(ConnectionStatus)
    case address(AddressBlock)
    case code(ClosedRange<Int>)
    /// How long a connection that has ended lasted.
    case duration(ClosedRange<Nanoseconds>)
    /// A word without a key: part of the workspace's name, the agent's, the app's or slug, the user agent, the reason,
    /// the address.
    case text(String)
}

/// `ongoing` has no end yet, `completed` has one; web and tunnel events are neither.
package enum FilterStatus: String, Sendable, CaseIterable {
    case ongoing, completed
}

/// Which keys a query may use.
public enum FilterDialect: Sendable {
    /// Exactly what Coder's own API takes, with its error texts.
    case coder
    /// Those, and ours: `workspace agent user_id owner_id event ip code duration`, negation with `-`, times before now
    /// (`-24h`), words without a key.
    case connlog
}

/// Something wrong in a query.
public struct FilterError: Error, Sendable, Equatable {
    /// The key it is about, as Coder reports it in `validations`.
    public let field: String
    /// What is wrong, in words.
    public let detail: String
    /// Where in the query, in bytes.
    public let range: Range<Int>
}

/// All that is wrong in a query, in the order of the query.
public struct FilterErrors: Error, Sendable, Equatable {
    /// In the order of the text; never empty.
    public let all: [FilterError]
}
