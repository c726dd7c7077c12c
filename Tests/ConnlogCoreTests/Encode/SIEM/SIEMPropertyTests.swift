import ConnlogSystem
import ConnlogTestSupport
import Foundation
import Testing

@testable import ConnlogCore

/// Random events, read again by the parsers of the tests.
@Suite struct SIEMPropertyTests {
    private static let seeds = Array(1...40) + TestSeeds.more.map { $0 }

    @Test(arguments: seeds) func `whatever an event holds is read again as it was`(seed: UInt64) throws {
        var chance = SeededGenerator(seed)
        for round in 0..<25 {
            let line = HostileEvent.line(&chance)
            let event = try #require(ConnectionEvent(line: line), "seed \(seed), round \(round): \(line)")
            let place = "seed \(seed), round \(round): \(line)"
            try cef(event, line, place)
            try leef(event, line, place)
            try ecs(event, line, place)
            try ocsf(event, line, place)
        }
    }

    private func text(_ format: SIEMFormat, _ line: String) throws -> String {
        try #require(SIEMEncoder(format, hostname: "h").text(line))
    }

    // MARK: What each format makes of a text

    private static let hidden: [ClosedRange<UInt32>] = [0...0x1f, 0x7f...0x9f, 0x2028...0x202e, 0x2066...0x2069]

    private func cut(_ text: String, _ bytesMax: Int) -> String {
        var result = String.UnicodeScalarView()
        var length = 0
        for scalar in text.unicodeScalars {
            length += String(scalar).utf8.count
            if length > bytesMax { break }
            result.append(scalar)
        }
        return String(result)
    }

    private func blanked(_ text: String, _ kept: Set<Unicode.Scalar>) -> String {
        var result = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            let isHidden = Self.hidden.contains { $0 ~= scalar.value } && !kept.contains(scalar)
            result.append(isHidden ? " " : scalar)
        }
        return String(result)
    }

    private func inCEF(_ text: String?, _ bytesMax: Int = 1023) -> String? {
        guard let text else { return nil }
        let lines = cut(text, bytesMax).replacing("\r\n", with: "\n")
        return CEFParser.trimmed(blanked(lines, ["\n", "\r"]))
    }

    private func inLEEF(_ text: String?, _ bytesMax: Int = 1023) -> String? {
        text.map { blanked(cut($0, bytesMax), []) }
    }

    private func app(_ event: ConnectionEvent, isPort: Bool) -> String? {
        let port = event.type == .portForwarding ? event.slugOrPort.flatMap(port) : nil
        if isPort { return port.map(String.init) }
        return port == nil ? event.slugOrPort : nil
    }

    private func port(_ text: String) -> Int? {
        let isNumber = 1...5 ~= text.utf8.count && text.utf8.allSatisfy { 48...57 ~= $0 }
        return isNumber ? Int(text).flatMap { $0 <= 65_535 ? $0 : nil } : nil
    }

    /// Zeros alone are none.
    private func traceID(_ text: String?) -> String? { text.flatMap { $0.allSatisfy { $0 == "0" } ? nil : $0 } }

    // MARK: The formats

    private func cef(_ event: ConnectionEvent, _ line: String, _ place: String) throws {
        let found = try CEFParser.parse(try text(.cef, line)).values
        let expected: [(String, String?)] = [
            ("reason", event.disconnectReason.flatMap { inCEF($0) }), ("suid", inCEF(event.userID)),
            ("duid", inCEF(event.workspaceOwnerID)), ("dhost", inCEF(event.workspaceName)),
            ("destinationServiceName", inCEF(app(event, isPort: false))), ("dpt", app(event, isPort: true)),
            ("requestClientApplication", inCEF(event.userAgent)), ("cs1", inCEF(event.connectionID, 4000)),
            ("cs2", inCEF(event.workspaceID, 4000)), ("cs3", inCEF(event.agentName, 4000)),
            ("cs4", inCEF(event.organizationID, 4000)), ("cs5", inCEF(event.requestID, 4000)),
            ("cs6", inCEF(event.clientSessionID, 4000)), ("cn1", event.code.map(String.init)),
        ]
        for (key, value) in expected where key != "reason" || value != nil {
            #expect(found[key] == value, "\(key), \(place)")
        }
        if let id = event.id { #expect(found["externalId"] == inCEF(id, 40), "\(place)") }
        let hasType = line.contains("\"Type\":")
        if hasType { #expect(found["cat"] == inCEF(event.typeText), "\(place)") }
        #expect(found["sourceServiceName"] == inCEF(hasType ? nil : event.appName), "\(place)")
        #expect(found["flexString1"] == inCEF(traceID(event.trace)), "\(place)")
    }

    private func leef(_ event: ConnectionEvent, _ line: String, _ place: String) throws {
        let found = try LEEFParser.parse(try text(.leef, line)).values
        let expected: [(String, String?)] = [
            ("reason", inLEEF(event.disconnectReason)), ("usrName", inLEEF(event.userID, 255)),
            ("accountName", inLEEF(event.workspaceOwnerID, 255)), ("workspace", inLEEF(event.workspaceName)),
            ("app", inLEEF(app(event, isPort: false))), ("dstPort", app(event, isPort: true)),
            ("userAgent", inLEEF(event.userAgent, 512)), ("connectionId", inLEEF(event.connectionID)),
            ("workspaceId", inLEEF(event.workspaceID)), ("agentName", inLEEF(event.agentName)),
            ("organizationId", inLEEF(event.organizationID)), ("requestId", inLEEF(event.requestID)),
            ("clientSessionId", inLEEF(event.clientSessionID)),
            (event.isWeb ? "httpStatus" : "exitCode", event.code.map(String.init)),
        ]
        for (key, value) in expected { #expect(found[key] == value, "\(key), \(place)") }
        if let id = event.id { #expect(found["eventId"] == inLEEF(id), "\(place)") }
    }

    private func ecs(_ event: ConnectionEvent, _ line: String, _ place: String) throws {
        let found = try TestJSON.object(try text(.ecs, line))
        #expect(try ECSCheck().mistakes(of: found) == [], "\(place)")
        let expected: [(String, String?)] = [
            ("event.reason", event.disconnectReason), ("user.id", event.userID),
            ("destination.user.id", event.workspaceOwnerID), ("orchestrator.resource.name", event.workspaceName),
            ("orchestrator.resource.id", event.workspaceID), ("coder.agent_name", event.agentName),
            ("coder.app", app(event, isPort: false)), ("user_agent.original", event.userAgent),
            ("coder.connection_id", event.connectionID), ("organization.id", event.organizationID),
            ("http.request.id", event.requestID), ("coder.client_session_id", event.clientSessionID),
            ("trace.id", traceID(event.trace)), ("span.id", traceID(event.span)),
        ]
        for (path, value) in expected { #expect(TestJSON.text(path, in: found) == value, "\(path), \(place)") }
        if let id = event.id { #expect(TestJSON.text("event.id", in: found) == id, "\(place)") }
        if let time = event.time ?? event.entryTime {
            #expect(TestJSON.text("@timestamp", in: found) == EventTime.text(time), "\(place)")
        }
        let code = event.isWeb ? "http.response.status_code" : "process.exit_code"
        #expect(TestJSON.number(code, in: found) == event.code, "\(place)")
    }

    private func ocsf(_ event: ConnectionEvent, _ line: String, _ place: String) throws {
        let found = try TestJSON.object(try text(.ocsf, line))
        #expect(try OCSFCheck().mistakes(of: found) == [], "\(place)")
        let isRequest = event.type == .workspaceApp || event.type == .portForwarding
        let expected: [(String, String?)] = [
            ("status_detail", event.disconnectReason),
            (event.type == .tunnel ? "user.uid" : "actor.user.uid", event.userID),
            ("dst_endpoint.owner.uid", event.workspaceOwnerID), ("dst_endpoint.uid", event.workspaceID),
            ("dst_endpoint.svc_name", event.agentName), ("metadata.correlation_uid", event.connectionID),
            ("metadata.tenant_uid", event.organizationID), ("status_code", event.code.map(String.init)),
            (isRequest ? "http_request.user_agent" : "unmapped.user_agent", event.userAgent),
            (isRequest ? "http_request.uid" : "unmapped.request_id", event.requestID),
            (isRequest ? "web_resources.name" : "unmapped.app", event.slugOrPort),
            ("unmapped.client_session_id", event.clientSessionID), ("unmapped.trace_id", traceID(event.trace)),
            ("unmapped.span_id", traceID(event.span)),
        ]
        for (path, value) in expected { #expect(TestJSON.text(path, in: found) == value, "\(path), \(place)") }
        if let name = event.workspaceName { #expect(TestJSON.text("dst_endpoint.name", in: found) == name, "\(place)") }
        if let id = event.id { #expect(TestJSON.text("metadata.uid", in: found) == id, "\(place)") }
        #expect(found["status_id"] as? Int == 1 || found["status_id"] as? Int == 2)
    }
}

/// Lines of events whose values want to be something else.
private enum HostileEvent {
    private static let pieces = [
        "|", "=", "\\", "\"", "\n", "\r\n", "\r", "\t", " ", "]", "{", "}", "\u{0}", "\u{1b}[2J", "\u{7f}", "\u{85}",
        "\u{9b}",
        "\u{2028}", "\u{202e}", "\u{2069}", "\u{fffd}", "é", "漢", "😀", "a", "Z", "0", "suser=root", " cs1=x ",
        "\tdevTime=1", "\\n",
        "CEF:0|", "<nil>", "%", ",", ":",
    ]
    private static let texts = [
        "ID", "OrganizationID", "WorkspaceOwnerID", "WorkspaceID", "WorkspaceName", "AgentName", "UserAgent", "UserID",
        "SlugOrPort", "ConnectionID", "DisconnectReason", "ClientSessionID", "request_id", "AppNameOrPort",
    ]
    private static let types = [
        "ssh", "vscode", "jetbrains", "reconnecting_pty", "workspace_app", "port_forwarding", "tunnel", "cursor",
        "warp", "a|b=c\\",
    ]
    private static let addresses = [
        "127.0.0.1", "2001:db8::1", "fe80::1%eth0", "<nil>", "999.1.1.1", "a=b", "::ffff:1.2.3.4",
    ]
    private static let codes = [
        "null", "0", "1", "137", "-1", "101", "200", "399", "400", "401", "403", "502", "\"x\"", "1.5",
    ]

    static func line(_ chance: inout SeededGenerator) -> String {
        var fields: [(String, String)] = []
        for name in texts where Int.random(in: 0..<4, using: &chance) > 0 { fields.append((name, text(&chance))) }
        if Bool.random(using: &chance) {
            fields.append(("Type", quoted(types.randomElement(using: &chance) ?? "")))
        } else {
            fields.append(("ConnectionMethod", quoted(types.randomElement(using: &chance) ?? "")))
        }
        fields.append(("IP", quoted(addresses.randomElement(using: &chance) ?? "")))
        fields.append(("Code", codes.randomElement(using: &chance) ?? "null"))
        let statuses = ["connected", "disconnected", "", "paused"]
        fields.append(("ConnectionStatus", quoted(statuses.randomElement(using: &chance) ?? "")))
        let times = [
            "2025-07-03T05:29:59.123456789Z", "2025-07-03T05:29:59.5+02:00", "junk", "2025-07-03 06:57:16.1 +0000 UTC",
        ]
        fields.append(("Time", quoted(times.randomElement(using: &chance) ?? "")))
        fields.shuffle(using: &chance)
        let line = record(fields)
        guard Bool.random(using: &chance) else { return line }
        return line.replacing(
            "\"fields\":", with: "\"trace\":\(text(&chance)),\"span\":\(text(&chance)),\"fields\":", maxReplacements: 1)
    }

    /// A JSON string; some characters escaped that need not be, some halves of pairs alone.
    private static func text(_ chance: inout SeededGenerator) -> String {
        switch Int.random(in: 0..<12, using: &chance) {
        case 0: return quoted(String(repeating: pieces.randomElement(using: &chance) ?? "", count: 10_000))
        case 1: return "\"a\\ud800b\\udc00\""
        case 2: return "\"8080\""
        case 3: return "[1,\"a=b\"]"
        default: break
        }
        var result = ""
        for _ in 0..<Int.random(in: 0..<12, using: &chance) {
            let piece = pieces.randomElement(using: &chance) ?? ""
            if Int.random(in: 0..<3, using: &chance) == 0 {
                result += piece.utf16.map { String(format: "\\u%04x", Int($0)) }.joined()
            } else {
                result += quoted(piece).dropFirst().dropLast()
            }
        }
        return "\"\(result)\""
    }
}
