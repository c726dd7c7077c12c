#if Server
import ConnlogCore
import ConnlogStore
import HTTPTypes
import Hummingbird
import NIOCore

/// `GET /api/v2/connectionlog`, as Coder answers it.
///
/// `connlog=true` asks for what is ours too: our filter language, `connlog` in each row, and `after=<cursor>` instead of
/// `offset`.
struct ListHandler {
    static let countCap = 2000
    private static let limitDefault = 100
    /// Rows are read and written so many at a time, so that a large limit takes no more memory.
    private static let pageRows = 500

    let parameters: Parameters
    let question: Question

    init(
        _ parameters: Parameters, _ caller: Caller, _ parts: APIParts, now: Int64
    ) throws(APIError) {
        self.parameters = parameters
        let isExtended = parameters.isOn("connlog")
        // Coder reads the page before the query.
        _ = try ListHandler.page(parameters)
        question = try Question(parameters, caller, parts, dialect: isExtended ? .connlog : .coder, now: now)
    }

    private static func page(_ parameters: Parameters) throws(APIError) -> (limit: Int, offset: Int) {
        let limit = try parameters.count("limit")
        let offset = try parameters.count("offset")
        if let id = parameters["after_id"], UUIDText.normalized(id) == nil {
            throw Parameters.invalid("after_id", "must be a valid uuid")
        }
        return (limit == 0 ? limitDefault : limit, offset)
    }

    func respond() async throws(APIError) -> Response {
        let (limit, offset) = try ListHandler.page(parameters)
        let after = question.json.isExtended ? try Question.cursor(parameters) : nil
        let (store, query) = (question.store, question.query)
        let count = try await Question.ask { () async throws(StoreProblem) in
            try await store.count(query, cap: ListHandler.countCap)
        }
        let first = count == 0 ? [] : try await page(after, offset, min(limit, ListHandler.pageRows))
        var headers = HTTPFields()
        headers[.contentType] = "application/json; charset=utf-8"
        return Response(status: .ok, headers: headers, body: body(first, count: count, limit: limit))
    }

    private func page(_ after: RowPosition?, _ offset: Int, _ limit: Int) async throws(APIError) -> [ConnectionRow] {
        let (store, query) = (question.store, question.query)
        return try await Question.ask { () async throws(StoreProblem) in
            try await store.page(query, after: after, offset: offset, limit: limit)
        }
    }

    private func body(_ first: [ConnectionRow], count: Int, limit: Int) -> ResponseBody {
        let end = "],\"count\":\(count),\"count_cap\":\(ListHandler.countCap)"
        guard first.count == ListHandler.pageRows, limit > first.count else {
            let text = "{\"connection_logs\":[" + lines(first) + end + next(first, limit) + "}\n"
            return ResponseBody(byteBuffer: ByteBuffer(string: text))
        }
        return ResponseBody { writer in
            var (rows, left) = (first, limit)
            try await writer.write(ByteBuffer(string: "{\"connection_logs\":[" + lines(rows)))
            var last = rows
            while rows.count == ListHandler.pageRows, left > rows.count, let place = rows.last?.position {
                left -= rows.count
                rows = try await page(place, 0, min(left, ListHandler.pageRows))
                if rows.isEmpty { break }
                last = rows
                try await writer.write(ByteBuffer(string: "," + lines(rows)))
            }
            try await writer.write(ByteBuffer(string: end + next(last, rows.count) + "}\n"))
            try await writer.finish(nil)
        }
    }

    private func lines(_ rows: [ConnectionRow]) -> String {
        rows.map { question.json.value($0).line }.joined(separator: ",")
    }

    /// Where the next page begins, if there may be one.
    private func next(_ rows: [ConnectionRow], _ limit: Int) -> String {
        guard question.json.isExtended, let last = rows.last, rows.count >= min(limit, ListHandler.pageRows) else {
            return ""
        }
        return ",\"next\":\"\(last.position)\""
    }
}
#endif
