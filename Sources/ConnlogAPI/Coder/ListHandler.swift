#if Server
import ConnlogCore
import ConnlogStore
import HTTPTypes
import Hummingbird
import NIOCore

/// `GET /api/v2/connectionlog`, as Coder answers it.
///
/// `connlog=true` asks for what is ours too: our filter language, `connlog` in each row, `after=<cursor>` instead of
/// `offset`, a count that is exact where a range of time is given, and `warnings`. Rows are looked for, and counted, for a
/// moment only: an answer that has not come to its end by then gives what it has, says how far it has looked
/// (`"is_complete":false`, `looked_back_to`), and its `next` goes on from there. `count=exact` counts all that match, however
/// long that takes, and says so by a `count_cap` of 0; then, and with an `offset`, the rows take as long as they take too.
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
        // Coder's waits for all it asks for, and so does who wants the whole count, or passes over rows that must be counted.
        let looking = question.json.isExtended && countCap > 0 && offset == 0 ? LookLimit(question.lookLimit) : nil
        var count = looking == nil ? try await count() : nil
        var pages = RowPages(
            question, after: after, offset: offset, limit: count?.rows == 0 ? 0 : limit, looking: looking)
        var text = "{\"connection_logs\":["
        while text.utf8.count < PageSize.bytes, let rows = try await pages.next() { add(rows, &pages, &text) }
        if let looking { count = try await self.count(pages, isWhole: after == nil, until: looking.end) }
        let end = end(count ?? RowCount(rows: 0, isExact: false), try await warnings(count, pages, looking))
        var headers = HTTPFields()
        headers[.contentType] = "application/json; charset=utf-8"
        return Response(status: .ok, headers: headers, body: body(text, pages, end))
    }

    private func warnings(_ count: RowCount?, _ pages: RowPages, _ looking: LookLimit?) async throws -> [Warning] {
        guard question.json.isExtended else { return [] }
        // Why nothing matches is worth some time even where finding that out took all of it.
        let left = looking.map { max($0.left, $0.length / 3) } ?? question.reasonsLimit
        let warnings = Warnings(question, isEmpty: count == RowCount(rows: 0, isExact: true), limit: left)
        if pages.found == 0, let place = pages.reached { return warnings.all(lookedBackTo: place) }
        return try await warnings.all
    }

    // MARK: - Counts

    /// How long an exact count may take where the rows take as long as they take; then it is one up to the cap.
    private static let exactLimit = Duration.seconds(2)

    /// As Coder counts; in our dialect all of them, where a range of time or nothing but what the census knows is asked for.
    private func count() async throws -> RowCount {
        let (store, query, cap) = (question.store, question.query, countCap)
        let isExtended = question.json.isExtended
        return try await question.ask {
            if cap == 0 { return RowCount(rows: try await store.count(query, cap: 0), isExact: true) }
            if isExtended {
                let found = try await store.count(query, cap: cap, until: .now + ListHandler.exactLimit)
                if found.isExact || found.rows > cap { return found }
            }
            let rows = try await store.count(query, cap: cap)
            return RowCount(rows: rows, isExact: rows <= cap)
        }
    }

    /// The same in what looking for the rows has left of the time; at least as many as were found.
    /// - Parameter isWhole: the list was asked for from its beginning.
    private func count(
        _ pages: RowPages, isWhole: Bool, until end: ContinuousClock.Instant
    ) async throws -> RowCount {
        let (store, query, cap) = (question.store, question.query, countCap)
        let least = RowCount(rows: min(pages.found, cap + 1), isExact: false)
        if pages.reached != nil { return least }
        if isWhole, pages.isAtEnd { return RowCount(rows: pages.found, isExact: true) }
        let counted = try await question.ask { try await store.count(query, cap: cap, until: end) }
        return counted.isExact || counted.rows > least.rows ? counted : least
    }

    /// What stands after the rows.
    private func end(_ count: RowCount, _ warnings: [Warning]) -> String {
        let end = "],\"count\":\(count.rows),\"count_cap\":\(countCap)"
        guard question.json.isExtended else { return end }
        return end + ",\"count_exact\":\(count.isExact),\"warnings\":\(JSONValue.array(warnings.map(\.json)).line)"
    }

    // MARK: - Rows

    /// What is small goes out at once; else rows are read and written page by page, so that a large limit takes no more
    /// memory.
    private func body(_ first: String, _ pages: RowPages, _ end: String) -> ResponseBody {
        if pages.isOver { return .text(first + end + next(pages) + "}\n") }
        return ResponseBody { writer in
            var (pages, text) = (pages, first)
            try await writer.write(contentsOf: ByteBuffer.pieces(text))
            while true {
                try await question.asker.check()
                pages = pages.renewed()
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

    /// Whether this page was looked for to its end, and where the next begins, if there may be one.
    private func next(_ pages: RowPages) -> String {
        guard question.json.isExtended else { return "" }
        var text = ",\"is_complete\":\(pages.reached == nil)"
        if let place = pages.reached { text += ",\"looked_back_to\":\"\(place.time.text)\"" }
        if let place = pages.reached ?? (pages.left == 0 ? pages.last : nil) {
            text += ",\"next\":\"\(question.json.cursor(place))\""
        }
        return text
    }
}
#endif
