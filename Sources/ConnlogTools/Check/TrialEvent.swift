import ConnlogCore
package import ConnlogSystem

/// The event that `connlog check --send` sends, one to each sink, each with an id of its own.
///
/// A connection event like any other, so that it takes the same way at the receiver, and one that nobody can take for
/// real: workspace and agent are called `connlog-test`, the user agent is `connlog-check/<version>`, the address is one
/// that is reserved for documentation (RFC 5737), user and owner are nobody, and the reason says what it is.
package struct TrialEvent: Sendable {
    /// The event's id, by which it can be found at the receiver.
    package let id: String
    package let line: String

    /// The workspace and the agent of a test event.
    package static let name = "connlog-test"

    package init(sink: String, version: String, now: Nanoseconds, using generator: inout some RandomNumberGenerator) {
        id = UUIDText.random(using: &generator)
        let connection = UUIDText.random(using: &generator)
        let time = EventTime.text(now)
        let reason = "test event of connlog check --send to sink '\(sink)'; not a connection"
        line =
            "{\"ts\":\"\(time)\",\"level\":\"INFO\",\"msg\":\"connection_log\",\"caller\":\"connlog check\",\"func\":\"send\","
            + "\"logger_names\":[\"connlog\",\"test\"],\"fields\":{\"ID\":\"\(id)\","
            + "\"OrganizationID\":\"\(TrialEvent.nobody)\",\"WorkspaceOwnerID\":\"\(TrialEvent.nobody)\","
            + "\"WorkspaceID\":\"\(TrialEvent.nobody)\",\"WorkspaceName\":\"\(TrialEvent.name)\","
            + "\"AgentName\":\"\(TrialEvent.name)\",\"Type\":\"ssh\",\"Code\":0,\"Ip\":\"192.0.2.1\","
            + "\"UserAgent\":\"connlog-check/\(version)\",\"UserID\":null,\"SlugOrPort\":\"\","
            + "\"ConnectionID\":\"\(connection)\",\"DisconnectReason\":\(JSONText.quoted(reason)),"
            + "\"Time\":\"\(time)\",\"ConnectionStatus\":\"disconnected\"}}"
    }

    var batch: EventBatch {
        var batch = EventBatch()
        batch.append(Array(line.utf8).span)
        return batch
    }

    private static let nobody = "00000000-0000-0000-0000-000000000000"
}
