import ConnlogCore
import ConnlogSystem

/// The events that a row stands for, each as coderd would have logged it: one slog JSON line.
///
///     connect       ID = the row's id                                Time = connect_time
///     disconnect    ID = UUIDv5(the row's id, "disconnected")        Time = disconnect_time, code, reason
///     both at once  the disconnect alone                             a report whose connect never came
///     web, tunnel   one event, ID = the row's id
///
/// The same row always gives the same bytes. They cannot be taken for a line of coderd's: `logger_names` is
/// `["connlog","coder_api"]`, which coderd has nowhere, and `caller` names the source.
struct RowEvents {
    /// Stands in `caller`.
    let source: String

    init(source: String) { self.source = source }

    enum Kind { case connect, disconnect }

    /// Appends one to the batch.
    func append(_ kind: Kind, _ row: CoderRow, to batch: inout EventBatch) {
        let bytes = Array(line(kind, row).utf8)
        batch.append(bytes.span)
    }

    func line(_ kind: Kind, _ row: CoderRow) -> String {
        let isEnd = kind == .disconnect
        let time = (isEnd ? row.end ?? row.connect : row.connect).text
        let fields = row.method == nil ? older(isEnd, time, row) : newer(isEnd, time, row)
        return
            JSONValue.object([
                .init(key: "ts", value: .string(time)), .init(key: "level", value: "INFO"),
                .init(key: "msg", value: "connection_log"), .init(key: "caller", value: .string("source \(source)")),
                .init(key: "func", value: "GET /api/v2/connectionlog"),
                .init(key: "logger_names", value: .array(["connlog", "coder_api"])),
                .init(key: "fields", value: .object(fields)),
            ]).line
    }

    /// As builds before connection methods wrote it.
    private func older(_ isEnd: Bool, _ time: String, _ row: CoderRow) -> [JSONValue.Member] {
        head(isEnd, row) + place(row) + [
            .init(key: "Type", value: .string(row.type)), .init(key: "Code", value: code(isEnd, row)),
            .init(key: "Ip", value: JSONValue(row.ip)), .init(key: "UserAgent", value: .string(row.userAgent)),
            .init(key: "UserID", value: JSONValue(row.user)), .init(key: "SlugOrPort", value: .string(row.slugOrPort)),
        ] + connection(isEnd, row) + [.init(key: "Time", value: .string(time)), status(isEnd)]
    }

    /// As the newest builds write it.
    private func newer(_ isEnd: Bool, _ time: String, _ row: CoderRow) -> [JSONValue.Member] {
        let appOrPort = row.isAgent ? row.app : row.slugOrPort.isEmpty ? nil : row.slugOrPort
        return head(isEnd, row) + [.init(key: "Time", value: .string(time))] + place(row) + [
            .init(key: "ConnectionMethod", value: JSONValue(row.method)),
            .init(key: "AppNameOrPort", value: JSONValue(appOrPort)), .init(key: "Code", value: code(isEnd, row)),
            .init(key: "IP", value: JSONValue(row.ip)), .init(key: "UserAgent", value: .string(row.userAgent)),
            .init(key: "UserID", value: JSONValue(row.user)),
        ] + connection(isEnd, row) + [
            status(isEnd), .init(key: "ClientSessionID", value: JSONValue(row.clientSession)),
        ]
    }

    private func head(_ isEnd: Bool, _ row: CoderRow) -> [JSONValue.Member] {
        let id = isEnd ? row.id.named("disconnected") : row.id
        return [.init(key: "ID", value: .string(id.text))]
    }

    private func place(_ row: CoderRow) -> [JSONValue.Member] {
        [
            .init(key: "OrganizationID", value: .string(row.organization)),
            .init(key: "WorkspaceOwnerID", value: .string(row.owner)),
            .init(key: "WorkspaceID", value: .string(row.workspace)),
            .init(key: "WorkspaceName", value: .string(row.workspaceName)),
            .init(key: "AgentName", value: .string(row.agent)),
        ]
    }

    private func connection(_ isEnd: Bool, _ row: CoderRow) -> [JSONValue.Member] {
        [
            .init(key: "ConnectionID", value: JSONValue(row.connection?.text)),
            .init(key: "DisconnectReason", value: .string(isEnd ? row.reason : "")),
        ]
    }

    /// A connect of an agent has none.
    private func code(_ isEnd: Bool, _ row: CoderRow) -> JSONValue {
        isEnd || !row.isAgent ? row.code.map { .integer($0) } ?? .null : .null
    }

    private func status(_ isEnd: Bool) -> JSONValue.Member {
        .init(key: "ConnectionStatus", value: isEnd ? "disconnected" : "connected")
    }
}
