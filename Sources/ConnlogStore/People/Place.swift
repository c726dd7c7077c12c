#if Server
import ConnlogCore

/// Where agents' connections lead to, and tunnels: an agent of a workspace. One without a workspace or an agent's name is no
/// place, so nothing is inferred there.
///
/// The organization stands in it since it decides who may see a row: what happened in another one makes no candidates, so
/// whoever may see a row may see what its candidates rest on.
struct Place: Hashable, Sendable {
    let organization: String?
    let workspace: String
    let agent: String

    init?(organization: String?, workspace: String?, agent: String?) {
        guard let workspace, let agent, !workspace.isEmpty, !agent.isEmpty else { return nil }
        (self.organization, self.workspace, self.agent) = (organization, workspace, agent)
    }

    init?(_ event: StoredEvent) {
        self.init(organization: event.organization?.text, workspace: event.workspace?.text, agent: event.agentName)
    }
}

/// An agent's connection of which the user is looked for.
struct Unnamed {
    let organization: String?
    let place: Place?
    /// A web terminal's; its page counts beside tunnels.
    let isTerminal: Bool
    let start: Microseconds
    let session: Identifier?

    init(organization: String?, place: Place?, isTerminal: Bool, start: Microseconds, session: Identifier?) {
        (self.organization, self.place, self.isTerminal) = (organization, place, isTerminal)
        (self.start, self.session) = (start, session)
    }

    /// - Returns: `nil` for what names its user, and for what agents do not report.
    init?(_ event: StoredEvent, start: Microseconds) {
        guard !event.type.isWeb, !(event.user?.isSomebody ?? false) else { return nil }
        organization = event.organization?.text
        place = Place(event)
        isTerminal = event.type == .reconnectingPTY
        self.start = start
        session = event.clientSession.flatMap { $0.isSomebody ? $0 : nil }
    }

    init?(_ row: ConnectionRow) {
        guard !row.type.isWeb, !(row.userID.map { Identifier($0).isSomebody } ?? false) else { return nil }
        organization = row.organizationID
        place = Place(organization: row.organizationID, workspace: row.workspaceID, agent: row.agentName)
        isTerminal = row.type == .reconnectingPTY
        start = row.session.connect
        session = row.clientSessionID.map { Identifier($0) }.flatMap { $0.isSomebody ? $0 : nil }
    }
}
#endif
