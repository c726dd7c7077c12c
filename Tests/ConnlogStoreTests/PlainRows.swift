#if Server
import ConnlogCore
import ConnlogStore
import ConnlogSystem
import ConnlogTestSupport

/// A plain re-implementation of rows and filters (Coder's §1.7 and §3, and our additions): everything in one array,
/// nothing indexed, nothing clever.
struct PlainRows {
    private(set) var rows: [Row] = []

    struct Row {
        var first: ToldEvent
        var connect: Int64
        var disconnect: Int64?
        var reason: String?
        var code: Int?
    }

    /// - Parameter events: of rising times, so that the first to come is the first by time.
    init(_ events: [ToldEvent]) {
        for event in events {
            let same = rows.firstIndex { row in
                row.first.connection != nil && row.first.connection == event.connection
                    && row.first.organization == event.organization && row.first.workspace == event.workspace
                    && row.first.agent == event.agent
            }
            guard let same else {
                rows.append(
                    Row(
                        first: event, connect: event.microseconds,
                        disconnect: event.isDisconnect ? event.microseconds : nil, reason: event.reason,
                        code: event.code))
                continue
            }
            if rows[same].disconnect == nil, event.isDisconnect { rows[same].disconnect = event.microseconds }
            rows[same].reason = rows[same].reason ?? event.reason
            rows[same].code = rows[same].code ?? event.code
        }
    }

    func matching(_ query: RowQuery) -> [Row] {
        rows.filter { row in query.terms.allSatisfy { PlainRows.holds($0.condition, row) != $0.isNegated } }
    }

    private static func holds(_ condition: RowQuery.Condition, _ row: Row) -> Bool {
        switch condition {
        case .organizations(let ids): ids.contains(row.first.organization)
        case .owners(let ids): ids.contains(row.first.owner)
        case .users(let ids): row.first.user.map(ids.contains) ?? false
        case .row(let condition): holds(condition, row)
        }
    }

    private static let web = ["workspace_app", "port_forwarding", "tunnel"]

    private static func holds(_ condition: FilterCondition, _ row: Row) -> Bool {
        let event = row.first
        let isWeb = web.contains(event.method ?? event.type)
        let app = isWeb ? nil : event.method == nil ? appOfType(event.type) : event.app
        let texts = [event.workspaceName, event.agent, event.userAgent, row.reason, event.ip, event.slug, app]
        switch condition {
        case .type(let type): return type.rawValue == self.type(event)
        case .method(let method): return method.rawValue == self.method(event)
        case .app(let names): return app.map { names.contains($0) } ?? false
        case .connectedAfter(let bound): return row.connect >= bound / 1000
        case .connectedBefore(let bound): return row.connect <= bound / 1000
        case .workspaceID(let id): return event.workspace == id
        case .connectionID(let id): return event.connection == id
        case .status(.ongoing): return !isWeb && row.disconnect == nil
        case .status(.completed): return !isWeb && row.disconnect != nil
        case .workspace(let name): return event.workspaceName.lowercased() == name
        case .agent(let name): return event.agent.lowercased() == name
        case .event(let status): return (row.disconnect != nil) == (status == .disconnected)
        case .address(let block): return event.ip.map { block.contains(Array($0.utf8)) } ?? false
        case .code(let range): return row.code.map { range.contains($0) } ?? false
        case .duration(let range):
            return row.disconnect.map { range.contains(($0 - row.connect) * 1000) } ?? false
        case .text(let part): return texts.contains { $0?.lowercased().contains(part) ?? false }
        default: return false
        }
    }

    private static func appOfType(_ type: String) -> String? {
        ["ssh", "reconnecting_pty"].contains(type) ? nil : type
    }

    private static func type(_ event: ToldEvent) -> String {
        let family = event.app.map { AppFamily($0) } ?? .unknown
        switch event.method ?? event.type {
        case "ssh" where event.method != nil && family == .vscode: return "vscode"
        case "ssh" where event.method != nil && family == .jetbrains: return "jetbrains"
        case "cursor": return "vscode"
        case let word: return word
        }
    }

    private static func method(_ event: ToldEvent) -> String {
        let type = type(event)
        return ["vscode", "jetbrains"].contains(type) ? "ssh" : type
    }
}
#endif
