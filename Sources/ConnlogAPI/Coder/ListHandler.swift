#if Server
import ConnlogCore
import ConnlogStore
import HTTPTypes
import Hummingbird
import NIOCore

/// `GET /api/v2/connectionlog`, as Coder answers it.
///
/// `connlog=true` asks for what is ours too: our filter language, `connlog` in each row, `after=<cursor>` instead of
/// `offset`, a count that is exact where a range of time is given, and `warnings`; with it `count=exact` counts all that match,
/// however long that takes, and says so by a `count_cap` of 0.
struct ListHandler {
    static let countCap = 2000
    private static let limitDefault = 100

    let parameters: Parameters
    let question: Question
    /// How far connections are counted; 0: all of them.
    private let countCap: Int

    init(
        _ parameters: Parameters, _ asker: Asker, _ parts: APIParts, now: Int64
    ) throws(APIError) {
        self.parameters = parameters
        let isExtended = parameters.isOn("connlog")
        // Coder reads the page before the query.
        _ = try ListHandler.page(parameters)
        countCap = isExtended && parameters["count"] == "exact" ? 0 : ListHandler.countCap
        question = try Question(parameters, asker, parts, dialect: isExtended ? .connlog : .coder, now: now)
    }

    private static func page(_ parameters: Parameters) throws(APIError) -> (limit: Int, offset: Int) {
        let limit = try parameters.count("limit")
        let offset = try parameters.count("offset")
        if let id = parameters["after_id"], UUIDText.normalized(id) == nil {
            throw Parameters.invalid("after_id", "must be a valid uuid")
        }
        return (limit == 0 ? limitDefault : limit, offset)
    }

    func respond() async throws -> Response {
        let (limit, offset) = try ListHandler.page(parameters)
        let after = question.json.isExtended ? try question.cursor(parameters) : nil
        let count = try await count()
        let warnings = question.json.isExtended ? try await Warnings(question, isEmpty: count.rows == 0).all : []
        var pages = RowPages(question, after: after, offset: offset, limit: count.rows == 0 ? 0 : limit)
        var text = "{\"connection_logs\":["
        while text.utf8.count < PageSize.bytes, let rows = try await pages.next() { add(rows, &pages, &text) }
        var headers = HTTPFields()
        headers[.contentType] = "application/json; charset=utf-8"
        return Response(status: .ok, headers: headers, body: body(text, pages, end(count, warnings)))
    }

    private struct Count {
        var rows: Int
        /// There are so many, and not more.
        var isExact: Bool
    }

    /// How long an exact count may take; then it is one up to the cap, and says so.
    private static let exactLimit = Duration.seconds(2)

    /// As Coder counts; in our dialect all of them, where a range of time or nothing but what the census knows is asked for.
    private func count() async throws -> Count {
        let (store, query) = (question.store, question.query)
        return try await question.ask {
            if countCap == 0 { return Count(rows: try await store.count(query, cap: 0), isExact: true) }
            if question.json.isExtended, let rows = try await store.exactCount(query, limit: ListHandler.exactLimit) {
                return Count(rows: rows, isExact: true)
            }
            let rows = try await store.count(query, cap: ListHandler.countCap)
            return Count(rows: rows, isExact: rows <= ListHandler.countCap)
        }
    }

    /// What stands after the rows.
    private func end(_ count: Count, _ warnings: [Warning]) -> String {
        let end = "],\"count\":\(count.rows),\"count_cap\":\(countCap)"
        guard question.json.isExtended else { return end }
        return end + ",\"count_exact\":\(count.isExact),\"warnings\":\(JSONValue.array(warnings.map(\.json)).line)"
    }

    /// What is small goes out at once; else rows are read and written page by page, so that a large limit takes no more
    /// memory.
    private func body(_ first: String, _ pages: RowPages, _ end: String) -> ResponseBody {
        if pages.isOver { return .text(first + end + next(pages) + "}\n") }
        return ResponseBody { writer in
            var (pages, text) = (pages, first)
            try await writer.write(contentsOf: ByteBuffer.pieces(text))
            while true {
                try await question.asker.check()
                guard let rows = try await pages.next() else { break }
                text = ""
                add(rows, &pages, &text)
                try await writer.write(contentsOf: ByteBuffer.pieces(text))
            }
            try await writer.write(ByteBuffer(string: end + next(pages) + "}\n"))
            try await writer.finish(nil)
        }
    }

    private func add(_ rows: [ConnectionRow], _ pages: inout RowPages, _ text: inout String) {
        let part = rows.map { question.json.value($0).line }.joined(separator: ",")
        if pages.hasBegun { text += "," }
        text += part
        pages.written(rows, bytes: part.utf8.count)
    }

    /// Where the next page begins, if there may be one.
    private func next(_ pages: RowPages) -> String {
        guard question.json.isExtended, let last = pages.last, pages.left == 0 else { return "" }
        return ",\"next\":\"\(question.json.cursor(last))\""
    }
}
#endif
