#if Server
import ConnlogCore
import ConnlogStore
import ConnlogSystem
import ConnlogTestSupport
import Foundation

/// A plain re-implementation of rows and filters (Coder's §1.7 and §3, and our additions): everything in one array,
/// nothing indexed, nothing clever.
struct PlainRows {
    private(set) var rows: [Row] = []
    /// As of when connections are open or lost, in microseconds.
    var clock = Clock()

    struct Clock {
        var now: Int64 = .max
        var lostAfter: Int64?
        /// When all events came in; `nil`: nobody knows.
        var arrival: Int64?
    }

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
        let fresh = freshAddresses(query)
        return rows.filter { row in
            query.terms.allSatisfy { holds($0.condition, row, fresh) != $0.isNegated }
        }
    }

    private func holds(_ condition: RowQuery.Condition, _ row: Row, _ fresh: Set<String>) -> Bool {
        switch condition {
        case .row(.newAddress): row.first.ip.map(fresh.contains) ?? false
        case .row(.any(let parts)): parts.contains { holds(.row($0), row, fresh) }
        case .row(.all(let parts)): parts.allSatisfy { holds(.row($0), row, fresh) }
        case .any(let parts): parts.contains { holds($0, row, fresh) }
        case .all(let parts): parts.allSatisfy { holds($0, row, fresh) }
        case .state(let status, _): state(row) == status

        case .organizations(let ids): ids.contains(row.first.organization)
        case .owners(let ids): ids.contains(row.first.owner)
        case .users(let ids): row.first.user.map(ids.contains) ?? false
        case .row(.during(let range)):
            range.through.map { row.connect <= $0 / 1000 } ?? true && range.from.map { wasOpen(row, $0 / 1000) } ?? true
        // Whom it was follows from other rows; `PlainPeople` knows it.
        case .people: false
        case .row(let condition): PlainRows.holds(condition, row)
        }
    }

    /// At a time or later. What came in long before its date is not believed.
    private func wasOpen(_ row: Row, _ time: Int64) -> Bool {
        if row.connect >= time { return true }
        if PlainRows.web.contains(row.first.method ?? row.first.type) { return false }
        guard let end = row.disconnect else { return true }
        let hour = { (time: Int64) in (time + 3_599_999_999) / 3_600_000_000 }
        let isBelieved = clock.arrival.map { hour($0) >= hour(time - 86_400_000_000) } ?? true
        return end >= time && isBelieved
    }

    private func state(_ row: Row) -> FilterStatus? {
        if PlainRows.web.contains(row.first.method ?? row.first.type) { return nil }
        if let end = row.disconnect { return end == row.connect ? .startUnknown : .completed }
        // Retention knows the hour of arrival alone.
        let heard = min(row.connect, clock.arrival.map { ($0 + 3_599_999_999) / 3_600_000_000 * 3_600_000_000 } ?? .max)
        if let lostAfter = clock.lostAfter, heard < clock.now - lostAfter { return .lost }
        return heard < clock.now - 86_400_000_000 ? .unconfirmed : .open
    }

    /// Addresses in the range that no row before it has, of the organizations that one may see.
    private func freshAddresses(_ query: RowQuery) -> Set<String> {
        guard let begin = query.begin else { return [] }
        let visible = rows.filter { row in
            query.terms.allSatisfy { term in
                guard term.isLimit, case .organizations(let ids) = term.condition else { return true }
                return ids.contains(row.first.organization)
            }
        }
        let before = Set(visible.filter { $0.connect < begin.count }.compactMap(\.first.ip))
        return Set(visible.filter { $0.connect >= begin.count }.compactMap(\.first.ip)).subtracting(before)
    }

    /// By Foundation's clocks.
    private static func shown(_ time: Int64, _ zone: Zone) -> DateComponents {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = TimeZone(identifier: zone.name) ?? calendar.timeZone
        return calendar.dateComponents(
            [.hour, .minute, .weekday], from: Date(timeIntervalSince1970: Double(time / 1_000_000)))
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
        case .clientSessionID(let id): return event.clientSession == id.filter { $0 != "-" }
        case .port(let ports):
            return self.type(event) == "port_forwarding" && event.slug.flatMap { Int($0) }.map(ports.contains) ?? false
        case .reason(let part): return row.reason?.lowercased().contains(part) ?? false
        case .hours(let hours):
            let shown = shown(row.connect, hours.zone)
            let minute = (shown.hour ?? 0) * 60 + (shown.minute ?? 0)
            let isOverMidnight = hours.start >= hours.end
            return isOverMidnight
                ? minute >= hours.start || minute < hours.end : minute >= hours.start && minute < hours.end
        case .weekdays(let days): return days.days.contains((shown(row.connect, days.zone).weekday ?? 0) - 1)
        case .like(let field, let pattern):
            let text: String? =
                switch field {
                case .workspace: event.workspaceName
                case .agent: event.agent
                case .app: app
                case .reason: row.reason
                default: nil
                }
            guard let text = text?.lowercased() else { return false }
            let expression = "^" + pattern.pieces.map(NSRegularExpression.escapedPattern).joined(separator: ".*") + "$"
            return text.range(of: expression, options: .regularExpression) != nil
        case .workspace(let name): return event.workspaceName.lowercased() == name
        case .agent(let name): return event.agent.lowercased() == name
        case .event(let status): return (row.disconnect != nil) == (status == .disconnected)
        case .address(let block): return event.ip.map { block.contains(Array($0.utf8)) } ?? false
        case .code(let range): return row.code.map { range.contains($0) } ?? false
        case .duration(let range):
            // Of which only the end was seen, nobody knows how long it lasted.
            guard let end = row.disconnect, isWeb || end != row.connect else { return false }
            return range.contains((end - row.connect) * 1000)
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
