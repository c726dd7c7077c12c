#if Server
import ConnlogCore
import ConnlogStore
import Hummingbird
import NIOCore

/// `GET /api/v2/connectionlog/{id}`: one row and its events as they were received.
///
/// Events are read and written some bytes at a time: one connection may have any number of them, of any size.
struct DetailsHandler {
    private static let contentType = "application/json; charset=utf-8"

    let question: Question
    let row: ConnectionRow

    init(_ id: String, _ question: Question) async throws {
        let store = question.store
        let wanted = UUIDText.normalized(id) ?? id
        let row = try await question.ask { try await store.row(id: wanted) }
        guard let row, question.asker.caller.maySee(row.organizationID) else {
            throw APIError(status: .notFound, message: "There is no connection of this id.")
        }
        (self.question, self.row) = (question, row)
        question.asker.audit?.note { $0.filter = AuditEvent.cut(filter: "id:\(row.id ?? "")") }
        question.asker.audit?.count(1)
    }

    func respond() async throws -> Response {
        var events = EventPages(question, row)
        var text = "{\"connection_log\":\(question.json.value(row).line),\"events\":["
        // What goes wrong is told before the first byte.
        text += try await events.next()
        if events.isOver { return .text(text + "]}\n", DetailsHandler.contentType) }
        let body = ResponseBody { [events, text] writer in
            var (events, text) = (events, text)
            while !events.isOver {
                try await writer.write(contentsOf: ByteBuffer.pieces(text))
                text = try await events.next()
                try await question.asker.check()
            }
            try await writer.write(contentsOf: ByteBuffer.pieces(text + "]}\n"))
            try await writer.finish(nil)
        }
        return Response(status: .ok, headers: [.contentType: DetailsHandler.contentType], body: body)
    }
}

/// A connection's events as JSON, read a page of some bytes at a time.
private struct EventPages {
    private let question: Question
    private let row: ConnectionRow
    private var last: Int64 = 0
    private var hasBegun = false
    private(set) var isOver = false

    init(_ question: Question, _ row: ConnectionRow) { (self.question, self.row) = (question, row) }

    /// Elements of one array, with a comma before all but the first.
    mutating func next() async throws -> String {
        let (store, row, last) = (question.store, row, last)
        let events = try await question.ask {
            try await store.events(of: row, after: last, bytesMax: PageSize.bytes)
        }
        isOver = events.reduce(0) { $0 + $1.line.count } < PageSize.bytes
        self.last = events.last?.number ?? last
        var text = ""
        for event in visible(events) {
            if hasBegun { text += "," }
            hasBegun = true
            let line = JSONValue.string(String(decoding: event.line, as: UTF8.self))
            let number = question.asker.seal?.seal(event.number) ?? event.number
            let members: JSONValue = ["number": .integer(number), "line": line]
            text += members.line
        }
        return text
    }

    /// Events of two organizations may be one row, if somebody hands such in.
    private func visible(_ events: [ReceivedEvent]) -> [ReceivedEvent] {
        let caller = question.asker.caller
        guard caller.isLimited else { return events }
        var matcher = EventMatcher(caller.everything)
        return events.filter { matcher.event($0.line) != nil }
    }
}
#endif
