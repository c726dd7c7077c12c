import ConnlogTestSupport
import Foundation

@testable import ConnlogCoder

/// `GET /api/v2/connectionlog` as strict as the real one: what it does not know it refuses, times have to be quoted, both
/// bounds are included, the newest come first, the count stops behind 2000.
extension CoderAPIServer {
    struct Row: Sendable {
        var id: String
        var connect: Int64
        var end: Int64?
        var connection: String?
        var workspace = "05567e23-31e2-4c00-bd05-4d499d437347"
        var agent = "main"
        var type = "ssh"
        var code: Int?
        var reason = ""
        var ip: String? = "198.51.100.7"
        var method: String?
        var isWeb: Bool { ["workspace_app", "port_forwarding", "tunnel"].contains(type) }
    }

    struct Table: Sendable {
        var rows: [String: Row] = [:]
        /// Called before each answer.
        var beforePage: (@Sendable (inout Table, _ page: Int) -> Void)?
        var pages = 0
        var countLie: Int?
        var pageMax = 100_000
        var ignoresOffset = false
        /// Rows without a time, in each answer.
        var brokenRows = 0
        var ignoresBounds = false
        var limit = 512
        var left: Int?
        var largestAnswer = 0
        /// What Coder says of its limits, as it is.
        var rateHeaders: [(name: String, value: String)] = []
        /// Rows of an answer that pays no heed to what there is.
        var forge: (@Sendable (_ page: Int, _ terms: [String: String]) -> [Row])?

        mutating func add(_ row: Row) { rows[row.id] = row }
    }

    private static let cap = 2000

    static func table(_ request: ServedRequest, _ state: inout State) -> ServedReply {
        state.table.pages += 1
        let page = state.table.pages
        if let before = state.table.beforePage { before(&state.table, page) }
        let items = URLComponents(string: "http://x\(request.target)")?.queryItems ?? []
        let query = Dictionary(items.map { ($0.name, $0.value ?? "") }, uniquingKeysWith: { first, _ in first })
        let unknown = Set(query.keys).subtracting(["limit", "offset", "q"])
        if !unknown.isEmpty { state.violations.append("unknown parameters \(unknown)") }
        guard let limit = Int(query["limit"] ?? "0"), let offset = Int(query["offset"] ?? "0"), limit >= 0, offset >= 0
        else { return json(400, ["message": "Query parameters have invalid values."]) }
        let terms: [String: String]
        do { terms = try Self.terms(query["q"] ?? "") } catch {
            state.violations.append("refused: \(query["q"] ?? "")")
            return json(400, ["message": "Invalid connection search query.", "validations": ["\(error)"]])
        }
        var found = state.table.rows.values.filter { Self.matches($0, terms, state.table.ignoresBounds) }
        if let forge = state.table.forge { found = forge(page, terms) }
        found.sort { ($0.connect, $0.id) > ($1.connect, $1.id) }
        let start = state.table.ignoresOffset ? 0 : offset
        let most = min(limit == 0 ? 100 : limit, state.table.pageMax)
        let broken: [[String: Any]] = Array(repeating: ["id": "x"], count: state.table.brokenRows)
        let shown = (found.dropFirst(start).prefix(most).map(object) + broken).prefix(most)
        state.table.largestAnswer = max(state.table.largestAnswer, shown.count)
        var headers = [("Content-Type", "application/json; charset=utf-8")]
        if let left = state.table.left {
            headers += [
                ("X-RateLimit-Limit", "\(state.table.limit)"), ("X-RateLimit-Remaining", "\(left)"),
                ("X-RateLimit-Reset", "\(Int(Date().timeIntervalSince1970) + 42)"),
            ]
        }
        headers += state.table.rateHeaders
        let count = state.table.countLie ?? min(found.count, cap + 1)
        let body: [String: Any] = ["connection_logs": Array(shown), "count": count, "count_cap": cap]
        let data = (try? JSONSerialization.data(withJSONObject: body)) ?? Data()
        return .reply(status: 200, headers: headers, body: String(decoding: data, as: UTF8.self))
    }

    private struct Refusal: Error {
        let text: String
        init(_ text: String) { self.text = text }
    }

    /// The filter language, as far as it is needed.
    private static func terms(_ text: String) throws -> [String: String] {
        var pieces: [String] = []
        var piece = ""
        var isQuoted = false
        for character in text.lowercased() {
            if character == "\"" { isQuoted.toggle() }
            if character == " ", !isQuoted {
                pieces.append(piece)
                piece = ""
            } else {
                piece.append(character)
            }
        }
        pieces.append(piece)
        var terms: [String: String] = [:]
        for piece in pieces where !piece.isEmpty {
            guard let colon = piece.firstIndex(of: ":") else { throw Refusal("search") }
            let key = String(piece[..<colon])
            var value = String(piece[piece.index(after: colon)...])
            if value.hasPrefix("\"") {
                value = value.trimmingCharacters(in: ["\""])
            } else if value.contains(":") {
                throw Refusal("can only contain 1 ':'")
            }
            guard ["connected_after", "connected_before", "status", "connection_id"].contains(key) else {
                throw Refusal("\"\(key)\" is not a valid query param")
            }
            guard terms[key] == nil, !value.isEmpty else { throw Refusal(key) }
            if key.hasPrefix("connected"), TableTime(value.uppercased()) == nil { throw Refusal(key) }
            if key == "status", !["ongoing", "completed"].contains(value) { throw Refusal(key) }
            if key == "connection_id", RowID(value) == nil { throw Refusal(key) }
            terms[key] = value
        }
        return terms
    }

    private static func matches(_ row: Row, _ terms: [String: String], _ ignoresBounds: Bool) -> Bool {
        let time = { (key: String) in terms[key].flatMap { TableTime($0.uppercased()) }?.microseconds }
        if !ignoresBounds {
            if let after = time("connected_after"), row.connect < after { return false }
            if let before = time("connected_before"), row.connect > before { return false }
        }
        if let status = terms["status"], row.isWeb || (row.end == nil) != (status == "ongoing") { return false }
        // The nil UUID is no filter.
        guard let connection = terms["connection_id"], RowID(connection)?.isNil == false else { return true }
        return row.connection == connection
    }

    private static func object(_ row: Row) -> [String: Any] {
        var object: [String: Any] = [
            "id": row.id, "connect_time": TableTime(microseconds: row.connect).text,
            "organization": [
                "id": "1a2bb67e-0117-4168-92e0-58138989a7f5", "name": "coder", "display_name": "", "icon": "",
            ],
            "workspace_owner_id": "fe8f4bab-3128-41f1-8fec-1cc0755affe5", "workspace_owner_username": "alice",
            "workspace_id": row.workspace, "workspace_name": "dev", "agent_name": row.agent, "type": row.type,
        ]
        object["ip"] = row.ip
        object["connection_method"] = row.method
        if row.isWeb {
            object["web_info"] = [
                "user_agent": "curl", "user": NSNull(), "slug_or_port": "code-server", "status_code": row.code ?? 200,
            ]
            return object
        }
        var agent: [String: Any] = ["connection_id": row.connection ?? "00000000-0000-0000-0000-000000000000"]
        if let end = row.end {
            agent["disconnect_time"] = TableTime(microseconds: end).text
            agent["exit_code"] = row.code ?? 0
            if !row.reason.isEmpty { agent["disconnect_reason"] = row.reason }
        }
        object["ssh_info"] = agent
        return object
    }
}
