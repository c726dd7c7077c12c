#if Server
import ConnlogCore

/// What a row says of a user whom it names: by what that user came in, or was refused.
///
/// Stored in the column `access` of rows that name a user: 1 to 4, by what; ten more for who was refused.
struct Access: Equatable {
    enum Kind: Int64 {
        case tunnel = 1
        /// The page of a web terminal.
        case terminal = 2
        /// Another app, or a port.
        case web = 3
        /// An agent's connection that names a user, which agents of today do not.
        case agent = 4
    }

    let kind: Kind
    let isAllowed: Bool

    /// What makes candidates, as a condition in SQL: an allowed tunnel or terminal page. It stands word for word in an index.
    static let letIn = "access < 3"
    /// What tells whose a client session is.
    static let names = "access < 10"

    private static let refused: Int64 = 10

    init(_ kind: Kind, code: Int?) {
        self.kind = kind
        isAllowed =
            switch kind {
            case .tunnel: code == 101
            case .terminal, .web: code.map { $0 == 101 || (200...299).contains($0) } ?? false
            case .agent: true
            }
    }

    /// - Returns: `nil` when the event names no user.
    init?(_ event: StoredEvent, code: Int?) {
        guard event.user?.isSomebody ?? false else { return nil }
        self.init(Access.kind(event.type, event.slug), code: code)
    }

    static func kind(_ type: ConnectionType, _ slug: String?) -> Kind {
        switch type {
        case .tunnel: .tunnel
        case .workspaceApp: slug == "terminal" ? .terminal : .web
        case .portForwarding: .web
        default: .agent
        }
    }

    /// As it was stored.
    init?(_ number: Int64?) {
        guard let number, let kind = Kind(rawValue: number % Access.refused) else { return nil }
        self.kind = kind
        isAllowed = number < Access.refused
    }

    var number: Int64 { kind.rawValue + (isAllowed ? 0 : Access.refused) }

    /// Whether whoever has it may be who it was at an agent's connection that begins later.
    var letsIn: Bool { isAllowed && (kind == .tunnel || kind == .terminal) }
}

extension Identifier {
    /// No user and no session has the id that is all zeros; Go writes it for none.
    var isSomebody: Bool { self != .uuid(0, 0) }
}
#endif
