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

    /// Whether it means others later: times before now, and what is open or lost now.
    package var isMoving: Bool { ago != nil || condition.isOfNow }

    /// The condition as of now.
    func condition(now: Nanoseconds) -> FilterCondition {
        if case .during(let range) = condition { return .during(range.moved(now)) }
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
    /// Who it was, recorded or inferred: a name, an address or an id.
    case person(String)
    case workspace(String)
    case agent(String)
    case userID(String)
    case ownerID(String)
    case clientSessionID(String)
    case event(ConnectionStatus)
    case address(AddressBlock)
    case port(ClosedRange<Int>)
    case code(ClosedRange<Int>)
    /// How long a connection that has ended lasted. Of one whose start is not known nobody knows that, so no length is its.
    case duration(ClosedRange<Nanoseconds>)
    /// Open at some moment of it.
    case during(MomentRange)
    /// Began at these times of day, or on these days.
    case hours(HoursOfDay)
    case weekdays(Weekdays)
    /// Part of the reason of its end.
    case reason(String)
    /// From an address that was not seen before the question's range began.
    case newAddress
    /// A text with `*` in it.
    case like(FilterText, TextPattern)
    /// A word without a key: part of the workspace's name, the agent's, the app's or slug, the user agent, the reason,
    /// the address.
    case text(String)
    /// One of these, written `key:a,b`.
    case any([FilterCondition])
    /// All of these, as `workspace:owner/name` means.
    case all([FilterCondition])

    fileprivate var isOfNow: Bool {
        switch self {
        case .during(let range): range.isMoving
        case .status(let status): [.open, .unconfirmed, .lost].contains(status)
        case .any(let parts), .all(let parts): parts.contains(where: \.isOfNow)
        default: false
        }
    }
}

/// Which text of an event a pattern is compared with.
package enum FilterText: Sendable, Equatable {
    case workspace, agent, app, reason
    // Names, of which events have the ids.
    case organization, workspaceOwner, workspaceOwnerEmail, username, userEmail
    /// Whose it was, recorded or inferred: a name, or an address where nobody has such a name.
    case person
}

/// `ongoing` has no end yet, `completed` has one; web and tunnel events are neither. Of our dialect: `open` was heard of
/// within a day, `lost` longer ago than `lost_after` says, `unconfirmed` in between; of `start_unknown` only the end was seen.
package enum FilterStatus: String, Sendable, CaseIterable {
    case ongoing, completed
    case open, unconfirmed, lost
    case startUnknown = "start_unknown"

    /// Those that Coder has.
    static let coders: [FilterStatus] = [.ongoing, .completed]
}

/// Which keys a query may use.
public enum FilterDialect: Sendable {
    /// Exactly what Coder's own API takes, with its error texts.
    case coder
    /// Those, and ours (`FilterKey.all`), lists `key:a,b`, `*`, negation with `-`, times before now (`-24h`), words
    /// without a key.
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
