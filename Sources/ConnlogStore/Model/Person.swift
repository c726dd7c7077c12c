package import ConnlogCore

/// Who a connection was, as far as events can tell. Said when a row is read, and kept in no record.
///
/// Agents' connections name no user. Then it is whoever was let in by a tunnel before, or for a terminal by its page, to
/// the same agent of the same workspace; see `PersonSearch` for the rule.
package struct Person: Sendable, Equatable {
    /// Of the user; `nil` when nobody can be named.
    package var id: String?
    package var basis: Basis
    /// Who it may have been, the nearest first; of very many the first `candidatesMax`. Empty for `recorded`.
    package var candidates: [Candidate]
    /// More were let in than are looked at: there may be candidates beyond those that are counted.
    package var isCut = false

    /// So many candidates are named in one row; `Basis.nearest` has the number of all.
    package static let candidatesMax = 20

    /// What a name rests on.
    package enum Basis: Sendable, Equatable {
        /// The event itself names the user.
        case recorded
        /// A row of the same client session names the user.
        case session
        /// One user alone was let in before.
        case onlyCandidate
        /// Of so many users this one was let in last.
        case nearest(of: Int)
        /// Nobody was, or two at the same moment.
        case none

        /// `recorded`, `session`, `only_candidate`, `nearest_of_3`, `none`.
        package var word: String {
            switch self {
            case .recorded: "recorded"
            case .session: "session"
            case .onlyCandidate: "only_candidate"
            case .nearest(let count): "nearest_of_\(count)"
            case .none: "none"
            }
        }
    }

    /// A user, and the row by which it may have been that one.
    package struct Candidate: Sendable, Equatable {
        /// Of the user.
        package var id: String
        /// The row's own id.
        package var row: String?
        /// When the row's connection began.
        package var time: Microseconds
        package var type: ConnectionType
    }

    static let nobody = Person(id: nil, basis: .none, candidates: [])

    static func recorded(_ id: String) -> Person { Person(id: id, basis: .recorded, candidates: []) }

    /// The name is not the event's own.
    package var isInferred: Bool { id != nil && basis != .recorded }
}
