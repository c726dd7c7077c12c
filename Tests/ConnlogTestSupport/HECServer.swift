import ConnlogSystem
import Foundation
import Synchronization

/// An HTTP Event Collector that behaves as splunkd was measured to behave, on 127.0.0.1.
///
/// It does as real ones do what hurts: an object with an unknown key in the middle of a batch ends the batch with a
/// friendly 200, an object with `fields` and no `event` vanishes, the number of code 7 is one too high, too large and
/// wrongly compressed bodies are answered in HTML, an acknowledgement is told once. What it loses that way it counts
/// (`lostObjects`), and what a client must never do it notes (`violations`): tests require none of either.
///
/// A script comes first, one step for each request with events; when it is used up the server is itself.
package final class HECServer: Sendable {
    /// What becomes of one request with events.
    package enum Step: Sendable {
        /// As splunkd would.
        case itself
        /// This reply. `taking` says how many events are indexed all the same, `cutTo` where its body breaks off.
        case reply(
            Int, _ body: String, headers: [(name: String, value: String)] = [], taking: Int = 0, cutTo: Int? = nil)
        /// The collector's own words for a status and a code.
        case code(Int, Int, number: Int? = nil, headers: [(name: String, value: String)] = [], taking: Int = 0)
        /// The connection is reset after so many bytes of the body.
        case resetWithin(Int)
        /// So many bytes of the body are read and no more, until the client gives up.
        case stallWithin(Int)
        /// As splunkd would, but reading the body so many bytes at a time.
        case sips(Int)
        /// The body is read, indexed if `taking`, and the connection closed without a word.
        case close(taking: Bool)
        /// The body is read and never answered.
        case silence
        /// The server was restarted just before, and is itself.
        case restart
    }

    /// One token and what it may do.
    package struct Token: Sendable {
        package var isEnabled = true
        package var usesAcknowledgement = false
        /// Indexes it may write to; `nil`: any.
        package var indexes: Set<String>?

        package init(isEnabled: Bool = true, usesAcknowledgement: Bool = false, indexes: Set<String>? = nil) {
            self.isEnabled = isEnabled
            self.usesAcknowledgement = usesAcknowledgement
            self.indexes = indexes
        }
    }

    /// An indexed event.
    package struct Event: Sendable {
        /// The envelope's members as they came: key to JSON text.
        package let envelope: [String: String]
        package let token: String
        package let channel: String?
        /// Counts requests with events from 0.
        package let request: Int

        /// A member of the object under `event`, as a Swift value in text.
        package func field(_ name: String) -> String? {
            guard let text = envelope["event"], let value = try? HECServer.parse(text) as? [String: Any] else {
                return nil
            }
            return value[name].map { "\($0)" }
        }
    }

    struct State {
        var tokens: [String: Token]
        var script: [Step] = []
        var requests: [ServedRequest] = []
        var bodies: [[UInt8]] = []
        var events: [Event] = []
        var lostObjects = 0
        var violations: [String] = []
        var contentMax = 838_860_800
        var refused: [String] = []
        var refusalCode = 6
        var refusalNumber = NumberStyle.right
        var nextAckID: [String: UInt64] = [:]
        var indexed: [String: Set<UInt64>] = [:]
        var ackPollsUntilTrue = 0
        var pollScript: [Step] = []
        var polls: [ServedRequest] = []
        var condition = Condition()
        var hasPipeline = false
        var pipeline: [InPipeline] = []
        var firstNode = 0
        var nextNode = 0
    }

    let state: Mutex<State>
    private let server: Mutex<HTTPServer?> = Mutex(nil)
    package let url: String

    /// - Parameter tls: speaks TLS; the files are read for each connection.
    package init(tokens: [String: Token], tls: LoopbackTLS.Settings? = nil) throws {
        state = Mutex(State(tokens: tokens))
        let box = Weak()
        let http = try HTTPServer(
            tls: tls,
            appetite: { request in box.server?.appetite(request) ?? .all },
            answer: { request in box.server?.answer(request) ?? .close })
        url = http.url
        server.withLock { $0 = http }
        box.server = self
    }

    /// - Parameter token: the only token.
    package convenience init(
        token: String = "00000000-1111-4222-8333-444444444444", tls: LoopbackTLS.Settings? = nil
    ) throws {
        try self.init(tokens: [token: Token()], tls: tls)
    }

    package func stop() { server.withLock { $0 }?.stop() }

    package var connectionCount: Int { server.withLock { $0 }?.connectionCount ?? 0 }

    /// Requests with events, as they came.
    package var requests: [ServedRequest] { state.withLock { $0.requests } }
    /// Their bodies, inflated.
    package var bodies: [String] { state.withLock { $0.bodies }.map { String(decoding: $0, as: UTF8.self) } }
    package var events: [Event] { state.withLock { $0.events } }
    /// Objects that splunkd would have lost without a word.
    package var lostObjects: Int { state.withLock { $0.lostObjects } }
    package var violations: [String] { state.withLock { $0.violations } }

    /// Appends steps.
    package func script(_ steps: [Step]) { state.withLock { $0.script += steps } }

    package func set(token: String, _ rights: Token?) { state.withLock { $0.tokens[token] = rights } }

    /// How the bad event of a batch is named.
    package enum NumberStyle: Sendable, CaseIterable { case right, missing, negative, beyond, text }

    /// Events with one of these texts in them are bad; with code 8, splunkd fails on them.
    package func refuse(_ texts: [String], code: Int = 6, number: NumberStyle = .right) {
        state.withLock { state in
            state.refused = texts
            state.refusalCode = code
            state.refusalNumber = number
        }
    }

    /// What splunkd says for a code.
    package static func words(of code: Int) -> String { textOfCode[code] ?? "Unknown" }

    private static func refusal(_ state: State, number: Int, of count: Int) -> ServedReply {
        if state.refusalCode == 8 { return reply(500, 8) }
        switch state.refusalNumber {
        case .right: return reply(400, state.refusalCode, number: number)
        case .missing: return reply(400, state.refusalCode)
        case .negative: return reply(400, state.refusalCode, number: -1)
        case .beyond: return reply(400, state.refusalCode, number: count)
        case .text:
            let body = "{\"text\":\"\(words(of: state.refusalCode))\",\"code\":\(state.refusalCode),"
            return .reply(status: 400, body: body + "\"invalid-event-number\":\"\(number)\"}")
        }
    }

    /// Bodies above this are answered with 413.
    package func limitContent(to bytes: Int) { state.withLock { $0.contentMax = bytes } }

    /// Breaks the circle between the two servers, and lets the inner one begin first.
    private final class Weak: Sendable {
        private let reference = Mutex<Holder>(Holder())
        private struct Holder { weak var server: HECServer? }

        var server: HECServer? {
            get { reference.withLock { $0.server } }
            set { reference.withLock { $0.server = newValue } }
        }
    }
}

extension HECServer {
    static let textOfCode: [Int: String] = [
        0: "Success", 1: "Token disabled", 2: "Token is required", 3: "Invalid authorization", 4: "Invalid token",
        5: "No data", 6: "Invalid data format", 7: "Incorrect index", 8: "Internal server error", 9: "Server is busy",
        10: "Data channel is missing", 11: "Invalid data channel", 12: "Event field is required",
        13: "Event field cannot be blank", 14: "ACK is disabled", 15: "Error in handling indexed fields",
        16: "Query string authorization is not enabled", 17: "HEC is healthy",
        18: "HEC is unhealthy, queues are full", 19: "HEC is unhealthy, ack service unavailable",
        20: "HEC is unhealthy, queues are full, ack service unavailable", 21: "Invalid token", 22: "Token disabled",
        23: "Server is shutting down", 24: "Queue approaching capacity", 25: "Ack channel approaching capacity",
        26: "Queue at capacity", 27: "Ack channel at capacity", 28: "Data channel is missing, use sticky sessions",
        404: "The requested URL was not found on this server.",
    ]

    static func reply(
        _ status: Int, _ code: Int, number: Int? = nil, ackID: UInt64? = nil,
        headers: [(name: String, value: String)] = []
    ) -> ServedReply {
        var body = "{\"text\":\"\(textOfCode[code] ?? "Unknown")\",\"code\":\(code)"
        if let number { body += ",\"invalid-event-number\":\(number)" }
        if let ackID { body += ",\"ackId\":\(ackID)" }
        return .reply(status: status, headers: headers + [("Content-Type", "application/json")], body: body + "}")
    }

    static func page(_ status: Int, _ title: String) -> ServedReply {
        let html = "<!doctype html><html><head><title>\(status) \(title)</title></head></html>"
        return .reply(status: status, headers: [("Content-Type", "text/html")], body: html)
    }

    static func parse(_ text: String) throws -> Any {
        try JSONSerialization.jsonObject(with: Data(text.utf8), options: [.fragmentsAllowed])
    }

    // MARK: requests

    private static let eventPaths: Set<String> = [
        "/services/collector", "/services/collector/event", "/services/collector/event/1.0",
    ]

    private func appetite(_ request: ServedRequest) -> HTTPServer.Appetite {
        guard HECServer.eventPaths.contains(request.path) else { return .all }
        return state.withLock { state in
            let appetite: HTTPServer.Appetite
            switch state.script.first {
            case .resetWithin(let bytes)?: appetite = .bytes(bytes)
            case .stallWithin(let bytes)?: appetite = .stall(bytes)
            // The step is taken when the body is there.
            case .sips(let bytes)?: return .sips(bytes)
            default: return .all
            }
            state.script.removeFirst()
            state.requests.append(request)
            return appetite
        }
    }

    private func answer(_ request: ServedRequest) -> ServedReply {
        state.withLock { state in
            note(request, &state)
            if HECServer.eventPaths.contains(request.path) {
                return request.method == "POST" ? events(request, &state) : HECServer.reply(405, 404)
            }
            switch request.path {
            case "/services/collector/ack", "/services/collector/ack/1.0": return acknowledgements(request, &state)
            case "/services/collector/health", "/services/collector/health/1.0": return health(state)
            default: return HECServer.reply(404, 404)
            }
        }
    }

    private func note(_ request: ServedRequest, _ state: inout State) {
        func require(_ isTrue: Bool, _ text: String) { if !isTrue { state.violations.append(text) } }
        require(request.version == "HTTP/1.1", "spoke \(request.version)")
        require(request.header("user-agent")?.isEmpty == false, "no User-Agent")
        require(request.header("expect") == nil, "Expect")
        require(request.header("transfer-encoding") == nil, "chunked")
        require(request.method != "POST" || !request.body.isEmpty, "empty body")
        for token in state.tokens.keys { require(!request.target.contains(token), "token in the URL") }
    }

    private func events(_ request: ServedRequest, _ state: inout State) -> ServedReply {
        let inflated = inflate(request)
        state.requests.append(request)
        state.bodies.append(inflated ?? request.body)
        let step = state.script.isEmpty ? .itself : state.script.removeFirst()
        switch step {
        case .itself, .sips: return itself(request, inflated, &state)
        case .restart:
            forget(&state)
            return itself(request, inflated, &state)
        case .reply(let status, let body, let headers, let taking, let cut):
            take(request, inflated, first: taking, &state)
            return .reply(status: status, headers: headers, body: body, cutTo: cut)
        case .code(let status, let code, let number, let headers, let taking):
            take(request, inflated, first: taking, &state)
            return HECServer.reply(status, code, number: number, headers: headers)
        case .close(let isTaking):
            if isTaking { take(request, inflated, first: .max, &state) }
            return .close
        case .silence, .resetWithin, .stallWithin: return .silence
        }
    }

    private func inflate(_ request: ServedRequest) -> [UInt8]? {
        switch request.header("content-encoding") {
        case nil: return request.body
        case "gzip":
            var out = ByteBuffer()
            let result = Result { try Gunzip.decompress(request.body.span, into: &out, limit: 1 << 30) }
            return (try? result.get()) == nil ? nil : out.array
        default: return nil
        }
    }

    private func take(_ request: ServedRequest, _ body: [UInt8]?, first count: Int, _ state: inout State) {
        guard count > 0, let body else { return }
        let objects = HECObjects(body)
        for object in objects.whole.prefix(count) {
            if state.refused.contains(where: { object["event"]?.contains($0) == true }) { return }
            index(object, request, HECServer.token(request) ?? "", &state)
        }
    }

    static func token(_ request: ServedRequest) -> String? {
        guard let value = request.header("authorization"), value.hasPrefix("Splunk ") else { return nil }
        return String(value.dropFirst(7))
    }

    private func index(_ object: [String: String], _ request: ServedRequest, _ token: String, _ state: inout State) {
        state.events.append(
            Event(
                envelope: object, token: token, channel: request.header("x-splunk-request-channel"),
                request: state.requests.count - 1))
    }

    // MARK: splunkd

    private func itself(_ request: ServedRequest, _ body: [UInt8]?, _ state: inout State) -> ServedReply {
        guard let header = request.header("authorization") else { return HECServer.reply(401, 2) }
        guard header.hasPrefix("Splunk "), let token = HECServer.token(request) else { return HECServer.reply(401, 3) }
        guard let rights = state.tokens[token] else { return HECServer.reply(403, 4) }
        guard rights.isEnabled else { return HECServer.reply(403, 1) }
        guard let body else { return HECServer.page(415, "Unsupported Media Type") }
        guard body.count <= state.contentMax else {
            return state.condition.isCloud
                ? HECServer.reply(400, 6, number: 0) : HECServer.page(413, "Request Entity Too Large")
        }
        if let refusal = self.refusal(state) { return refusal }
        let channel = request.header("x-splunk-request-channel")
        if let channel, UUID(uuidString: channel) == nil { return HECServer.reply(400, 11) }
        if rights.usesAcknowledgement && channel == nil {
            return HECServer.reply(400, state.condition.isCloud ? 28 : 10)
        }
        let objects = HECObjects(body)
        if objects.whole.isEmpty && !objects.endsBadly { return HECServer.reply(400, 5) }
        let before = state.events.count
        if let refusal = judge(objects, request, token, rights, &state) { return refusal }
        let code = successCode(state)
        guard rights.usesAcknowledgement, let channel else { return HECServer.reply(200, code) }
        let (node, cookies) = self.node(request, &state)
        let ackID = accept(Array(state.events[before...]), key: "\(node)/\(channel)", &state)
        return HECServer.reply(200, code, ackID: ackID, headers: cookies)
    }

    private static let envelopeKeys: Set<String> = [
        "time", "host", "source", "sourcetype", "index", "event", "fields",
    ]

    /// Indexes objects until one is bad; `nil` if the reply is a success, deserved or not.
    private func judge(
        _ objects: HECObjects, _ request: ServedRequest, _ token: String, _ rights: Token, _ state: inout State
    ) -> ServedReply? {
        for (number, object) in objects.whole.enumerated() {
            if !Set(object.keys).isSubset(of: HECServer.envelopeKeys) {
                if number == 0 && objects.whole.count == 1 { return HECServer.reply(400, 5) }
                state.lostObjects += objects.whole.count - number
                return nil
            }
            guard let event = object["event"] else {
                if object["fields"] == nil { return HECServer.reply(400, 12, number: number) }
                state.lostObjects += 1
                continue
            }
            if event.trimmingCharacters(in: CharacterSet(charactersIn: "\" \t\n")).isEmpty {
                return HECServer.reply(400, 13, number: number)
            }
            if state.refused.contains(where: { event.contains($0) }) {
                return HECServer.refusal(state, number: number, of: objects.whole.count)
            }
            if let fields = object["fields"], !HECServer.isFlat(fields) {
                return HECServer.reply(400, 15, number: number)
            }
            if let allowed = rights.indexes, let index = object["index"].flatMap(HECServer.string),
                !allowed.contains(index)
            {
                return HECServer.reply(400, 7, number: number + 1)
            }
            self.index(object, request, token, &state)
        }
        return objects.endsBadly ? HECServer.reply(400, 6, number: objects.whole.count) : nil
    }

    static func isFlat(_ text: String) -> Bool {
        guard let fields = try? parse(text) as? [String: Any] else { return false }
        return fields.values.allSatisfy { !($0 is [String: Any]) }
    }

    package static func string(_ text: String) -> String? { try? parse(text) as? String }
}

/// The objects of a body: a concatenation, with blanks allowed between.
struct HECObjects {
    /// Key to JSON text, each.
    private(set) var whole: [[String: String]] = []
    /// What follows the whole ones is not an object.
    private(set) var endsBadly = false

    init(_ body: [UInt8]) {
        var place = 0
        while true {
            while place < body.count, [0x20, 0x09, 0x0a, 0x0d].contains(body[place]) { place += 1 }
            guard place < body.count else { return }
            guard let end = HECObjects.end(body, from: place),
                let members = HECObjects.members(body[place..<end])
            else {
                endsBadly = true
                return
            }
            whole.append(members)
            place = end
        }
    }

    /// After the brace that closes the one at `start`.
    private static func end(_ body: [UInt8], from start: Int) -> Int? {
        guard body[start] == UInt8(ascii: "{") else { return nil }
        return valueEnd(body, from: start)
    }

    /// After the value that begins at `start`, by brackets and quotes alone.
    private static func valueEnd(_ body: [UInt8], from start: Int) -> Int? {
        var depth = 0
        var isString = false
        var place = start
        while place < body.count {
            let byte = body[place]
            if isString {
                if byte == UInt8(ascii: "\\") { place += 1 }
                if byte == UInt8(ascii: "\"") { isString = false }
            } else if byte == UInt8(ascii: "\"") {
                isString = true
            } else if byte == UInt8(ascii: "{") || byte == UInt8(ascii: "[") {
                depth += 1
            } else if byte == UInt8(ascii: "}") || byte == UInt8(ascii: "]") {
                if depth == 0 { return place }
                depth -= 1
                if depth == 0 { return place + 1 }
            } else if byte == UInt8(ascii: ","), depth == 0 {
                return place
            }
            place += 1
        }
        return nil
    }

    /// The members as they stand; `nil` if the object is not JSON (UTF-8 included) or a key is double.
    private static func members(_ object: ArraySlice<UInt8>) -> [String: String]? {
        guard String(validating: object, as: UTF8.self) != nil,
            (try? JSONSerialization.jsonObject(with: Data(object))) is [String: Any]
        else { return nil }
        let body = Array(object)
        var members: [String: String] = [:]
        var place = 1
        func skip(_ bytes: [UInt8]) { while place < body.count, bytes.contains(body[place]) { place += 1 } }
        while true {
            skip(Array(" \t\r\n,".utf8))
            guard place < body.count, body[place] == UInt8(ascii: "\"") else { return members }
            var end = place + 1
            while end < body.count, body[end] != UInt8(ascii: "\"") { end += body[end] == UInt8(ascii: "\\") ? 2 : 1 }
            let key = String(decoding: body[(place + 1)..<end], as: UTF8.self)
            place = end + 1
            skip(Array(" \t\r\n:".utf8))
            guard let valueEnd = valueEnd(body, from: place), members[key] == nil else { return nil }
            members[key] = String(decoding: body[place..<valueEnd], as: UTF8.self)
            place = valueEnd
        }
    }
}
