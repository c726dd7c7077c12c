#if Server
import ConnlogCore
import ConnlogStore
import HTTPTypes
import Hummingbird
import NIOCore

/// `GET /api/v2/connectionlog/export?q=&format=csv|jsonl|text`: every row that matches, newest first.
///
/// Rows are read page by page and written as they come, so memory does not depend on how many there are, and nothing
/// that is written meanwhile waits. A row whose connect time a late event changes meanwhile may come twice or not.
struct ExportHandler {
    let question: Question
    let format: Format
    let limit: Int

    enum Format: String {
        case csv, jsonl
        /// A line for people, for terminals.
        case text
    }

    init(
        _ parameters: Parameters, _ asker: Asker, _ parts: APIParts, now: Int64
    ) throws(APIError) {
        guard let format = Format(rawValue: parameters["format"] ?? "jsonl") else {
            throw Parameters.invalid("format", "must be csv, jsonl, text or package")
        }
        self.format = format
        let limit = try parameters.count("limit")
        self.limit = limit == 0 ? .max : limit
        question = try Question(parameters, asker, parts, dialect: .connlog, now: now)
    }

    func respond() async throws -> Response {
        var pages = RowPages(question, after: nil, limit: limit)
        // What is wrong with the question is told before the first byte.
        let first = try await pages.next()
        let warnings = try await Warnings(question, isEmpty: first == nil).all
        var headers = HTTPFields()
        if !warnings.isEmpty, let header = Warnings.header { headers[header] = Warnings.headerText(warnings) }
        headers[.contentType] =
            switch format {
            case .csv: "text/csv; charset=utf-8; header=present"
            case .jsonl: "application/jsonl; charset=utf-8"
            case .text: "text/plain; charset=utf-8"
            }
        headers[.contentDisposition] = "attachment; filename=\"connections.\(format.rawValue)\""
        let body = ResponseBody { [pages] writer in
            var (pages, rows) = (pages, first)
            if format == .csv { try await writer.write(ByteBuffer(string: RowCSV.header)) }
            while let page = rows {
                // The next page is read while this one is written.
                let now = pages
                async let ahead = ExportHandler.ahead(now)
                let text = text(page)
                try await question.asker.check()
                try await writer.write(contentsOf: ByteBuffer.pieces(text))
                (rows, pages) = try await ahead
                pages.written(page, bytes: text.utf8.count)
            }
            try await writer.finish(nil)
        }
        return Response(status: .ok, headers: headers, body: body)
    }

    private static func ahead(_ pages: RowPages) async throws -> ([ConnectionRow]?, RowPages) {
        var pages = pages
        return (try await pages.next(), pages)
    }

    private func text(_ rows: [ConnectionRow]) -> String {
        var text = ""
        for row in rows {
            switch format {
            case .csv: text += RowCSV.line(row, question.json)
            case .jsonl:
                text += question.json.value(row).line
                text += "\n"
            case .text:
                text += RowText.line(row, question.json)
                text += "\n"
            }
        }
        return text
    }
}

/// Rows as RFC 4180 has them, with a header line.
enum RowCSV {
    private static let columns = [
        "id", "connect_time", "disconnect_time", "duration_seconds", "status", "type", "connection_method", "app_name",
        "organization_id", "organization", "workspace_owner_id", "workspace_owner_username", "workspace_id",
        "workspace_name", "agent_name", "user_id", "username", "user_email", "ip", "slug_or_port", "code",
        "disconnect_reason", "user_agent", "connection_id", "client_session_id", "events", "person", "person_id",
        "person_basis", "person_candidates",
    ]

    static var header: String { columns.joined(separator: ",") + CSVText.rowEnd }

    static func line(_ row: ConnectionRow, _ json: RowJSON) -> String {
        let owner = row.workspaceOwnerID.flatMap(json.names.user)
        let user = row.userID.flatMap(json.names.user)
        let end = row.session.disconnect
        let length = row.isStartUnknown ? nil : end.map { seconds($0.since(row.session.connect)) }
        let cells: [String?] = [
            row.id, row.session.connect.text, end.map(\.text),
            length, json.status(row), RowJSON.typeWord(row),
            row.method.rawValue,
            row.appName, row.organizationID, row.organizationID.flatMap(json.names.organization)?.name,
            row.workspaceOwnerID, owner?.username, row.workspaceID, row.workspaceName, row.agentName, row.userID,
            user?.username, user?.email, row.ip, row.slugOrPort, row.session.code.map { String($0.value) },
            row.session.reason?.value, row.userAgent, row.connectionID, row.clientSessionID,
            String(row.session.events),
        ]
        return CSVText.row(cells + PersonText(names: json.names).cells(row.person))
    }

    private static func seconds(_ microseconds: Int64) -> String {
        let (seconds, rest) = max(0, microseconds).quotientAndRemainder(dividingBy: 1_000_000)
        let digits = String(rest)
        return "\(seconds).\(String(repeating: "0", count: 6 - digits.count))\(digits)"
    }
}
#endif
