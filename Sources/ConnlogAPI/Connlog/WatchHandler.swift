#if Server
import ConnlogCore
import ConnlogStore
import ConnlogSystem
import HTTPTypes
import Hummingbird
import NIOCore
import ServiceLifecycle

/// `GET /api/v2/connectionlog/watch?q=`: events that match, as server-sent events, as the store gets them.
///
/// Each has its number as its id: whoever connects anew with `Last-Event-ID` (or `last_event_id=`) goes on after it, and
/// misses nothing that retention has kept. Without, it begins with what comes next. Every 15 seconds without an event a
/// comment keeps the connection open.
///
/// When the store's file is another one than it was, its events have numbers that were given before. Then an event
/// `restart` says so, and those follow that have come in since the store began anew.
///
/// A filter that no event by itself can decide (`duration:`, `new:ip`, `status:lost`) is refused, with what to write instead.
struct WatchHandler {
    private static let pause = Duration.seconds(15)

    let question: Question
    let start: Int64?
    /// `format=text`: a line for people instead of JSON.
    let isText: Bool

    init(_ parameters: Parameters, _ lastEventID: String?, _ question: Question) throws(APIError) {
        self.question = question
        let refused = EventMatcher.unwatchable(question.filter).map { term, why in
            let written = String(decoding: Array(question.text.utf8)[term.range], as: UTF8.self)
            return APIError.Validation(
                field: EmptyAnswer.field(written), detail: "'\(written)' cannot be watched: \(why)", range: term.range)
        }
        guard refused.isEmpty else {
            throw APIError(
                status: .badRequest, message: "Invalid connection search query.", validations: refused)
        }
        isText = parameters["format"] == "text"
        let text = lastEventID ?? parameters["last_event_id"]
        let number = text.flatMap { Int64($0) }
        if let text, number == nil || number ?? 0 < 0 {
            throw Parameters.invalid("last_event_id", "is no number of an event: '\(text)'")
        }
        start = number.map { question.asker.seal?.open($0) ?? $0 }
    }

    func respond() async throws -> Response {
        let store = question.store
        let newest = try await question.ask { try await store.newestMark() }
        // An id from another store may be beyond the end of this one.
        let isAnew = start.map { $0 > newest.number } ?? false
        let from = isAnew ? newest.at(0) : newest.at(start ?? newest.number)
        let body = ResponseBody { writer in
            try await writer.write(ByteBuffer(string: "retry: 2000\n\n"))
            if isAnew { try await writer.write(ByteBuffer(string: restart(from))) }
            var mark = from
            var size = PageSize()
            var written = ContinuousClock.now
            while !Task.isCancelled, !Task.isShuttingDownGracefully {
                let (last, limit) = (mark, size.count)
                let new = try await question.ask {
                    try await store.events(after: last, limit: limit, bytesMax: PageSize.bytes)
                }
                size.learn(count: new.events.count, bytes: new.events.reduce(0) { $0 + $1.line.count })
                let text = try await (new.restart.map(restart) ?? "") + matching(new.events)
                // Before anything is told: whoever asked may have lost the right to it meanwhile.
                try await question.asker.check()
                if !text.isEmpty { try await writer.write(contentsOf: NIOCore.ByteBuffer.pieces(text)) }
                if !text.isEmpty { written = .now }
                mark = new.mark
                if new.events.isEmpty { try await wait(after: mark) }
                // Events that are not for this caller keep no connection open.
                if written.duration(to: .now) >= WatchHandler.pause {
                    try await writer.write(ByteBuffer(string: ": nothing new\n\n"))
                    written = .now
                }
            }
            try await writer.finish(nil)
        }
        return Response(
            status: .ok, headers: [.contentType: "text/event-stream; charset=utf-8"], body: body)
    }

    /// An event's number, as the caller may know it.
    private func shown(_ number: Int64) -> Int64 { question.asker.seal?.seal(number) ?? number }

    /// Says that numbers begin anew.
    private func restart(_ place: EventMark) -> String {
        let words = "The store is another one than before; its events are numbered anew, and come from here on."
        let data = isText ? words : JSONValue.object([.init(key: "message", value: .string(words))]).line
        return "id: \(shown(place.number))\nevent: restart\ndata: \(data)\n\n"
    }

    /// Returns when there is something new, be it that somebody's rights have changed, or when the pause is over.
    private func wait(after last: EventMark) async throws {
        let (store, change) = (question.store, question.asker.gate.state.bell.next())
        try await question.asker.check()
        let pause = min(WatchHandler.pause, question.asker.patience ?? WatchHandler.pause)
        try await question.ask { try await Self.wait(store, after: last, change, pause) }
    }

    private static func wait(
        _ store: ConnectionStore, after last: EventMark, _ change: Bell.Ring, _ pause: Duration
    ) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await cancelWhenGracefulShutdown { try await store.waitForEvents(after: last) } }
            group.addTask { await change.wait() }
            group.addTask { try await Task.sleep(for: pause) }
            defer { group.cancelAll() }
            _ = try await group.next()
        }
    }

    private func matching(_ events: [ReceivedEvent]) async throws -> String {
        var matcher = EventMatcher(question.query)
        let found = events.compactMap { event in matcher.event(event.line).map { (event: $0, received: event) } }
        if found.isEmpty { return "" }
        let (store, received) = (question.store, found.map(\.received))
        let people = try await question.ask { try await store.people(of: received) }
        var text = ""
        for (found, event) in found {
            let person = people[event.number]
            guard matcher.wants(person) else { continue }
            question.asker.audit?.count(1)
            let names = question.names
            let number = shown(event.number)
            let data =
                isText
                ? RowText.line(found, person, names) : EventJSON(names: names).value(found, number, person).line
            text += "id: \(number)\nevent: connection\ndata: \(data)\n\n"
        }
        return text
    }
}

/// One event, not yet a row, with the names of people.
struct EventJSON {
    let names: any Names

    /// - Parameters:
    ///   - number: of the event, as the caller may know it.
    ///   - person: as far as is known now; what comes later may tell otherwise.
    func value(_ event: ConnectionEvent, _ number: Int64, _ person: Person?) -> JSONValue {
        var object = Members()
        object.add("number", .integer(number))
        object.add("id", JSONValue(event.id))
        object.add("time", JSONValue(event.time.map { EventTime.text($0) }))
        object.add("event", JSONValue(event.status?.rawValue))
        object.add("type", event.type == .other ? JSONValue(event.typeText) : .string(event.type.rawValue))
        object.add("connection_method", .string(event.method.rawValue))
        object.add("app_name", JSONValue(event.appName.map { AppName.normalized($0) }))
        object.add("organization_id", JSONValue(event.organizationID))
        object.add("workspace_owner_id", JSONValue(event.workspaceOwnerID))
        object.add("workspace_owner_username", .string(event.workspaceOwnerID.flatMap(names.user)?.username ?? ""))
        object.add("workspace_id", JSONValue(event.workspaceID))
        object.add("workspace_name", JSONValue(event.workspaceName))
        object.add("agent_name", JSONValue(event.agentName))
        object.add("user_id", JSONValue(event.userID))
        object.add("username", .string(event.userID.flatMap(names.user)?.username ?? ""))
        object.add("ip", JSONValue(event.ip))
        object.add("code", event.code.map { JSONValue($0) } ?? .null)
        object.add("slug_or_port", JSONValue(event.slugOrPort))
        object.add("user_agent", JSONValue(event.userAgent))
        object.add("disconnect_reason", JSONValue(event.disconnectReason))
        object.add("connection_id", JSONValue(event.connectionID))
        PersonText(names: names).add(person, to: &object)
        return object.value
    }
}
#endif
