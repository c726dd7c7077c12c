#if Server
import ConnlogAPI
import ConnlogCore
import ConnlogStore
import ConnlogSystem
import ConnlogTestSupport
import Foundation
import Synchronization

/// The real server on a free port of 127.0.0.1, with a store of its own.
final class TestServer: Sendable {
    let folder = FileManager.default.temporaryDirectory.path + "/connlog-api-\(UUID().uuidString)"
    let state: APIState
    let holder: StoreHolder
    let store: ConnectionStore
    let port: Int
    private let stops: AsyncStream<Void>.Continuation
    private let running: Task<Void, any Error>
    private let session = HTTPSession(HTTPSettings(userAgent: "test"))

    init(
        _ events: [ToldEvent] = [], access: AccessList = AccessList(isOpen: true), names: any Names = NoNames(),
        intake: (any EventIntake)? = nil, change: (inout APIServer.Options) -> Void = { _ in }
    ) async throws {
        holder = StoreHolder("\(folder)/connlog.db", cacheBytes: 4 << 20, lostAfter: .seconds(30 * 86_400))
        store = try holder.open()
        if !events.isEmpty { _ = try store.apply(ToldEvent.batch(events), at: nil, arrival: 0) }
        let state = APIState(
            APIParts(
                access: access, store: holder, names: names, intake: intake, views: ViewFiles("\(folder)/views"),
                // Hundreds of tests at once on two cores: who tests what happens when time is up says so.
                lookLimit: .seconds(600)))
        state.update { $0.reasonsLimit = .seconds(600) }
        self.state = state
        // Hundreds of tests at once may keep an answer waiting for minutes.
        var options = APIServer.Options(host: "127.0.0.1", port: 0, timeout: .seconds(600))
        change(&options)
        let lines = LogLines()
        let server = APIServer(options, state) { _, line in lines.add(line) }
        let (ports, port) = AsyncStream.makeStream(of: Int.self)
        let (stops, stop) = AsyncStream.makeStream(of: Void.self)
        self.stops = stop
        running = Task {
            try await server.run {
                for await _ in stops {}
            } ready: {
                port.yield($0)
            }
        }
        var iterator = ports.makeAsyncIterator()
        self.port = await iterator.next() ?? 0
        self.lines = lines
    }

    let lines: LogLines

    func stop() async {
        stops.finish()
        _ = try? await running.value
        try? FileManager.default.removeItem(atPath: folder)
    }

    /// What came back.
    struct Reply: Sendable {
        var status: Int
        var contentType: String?
        var retryAfter: String?
        var cookies: [String]
        var body: [UInt8]

        var text: String { String(decoding: body, as: UTF8.self) }
        var json: [String: Any] {
            (try? JSONSerialization.jsonObject(with: Data(body))) as? [String: Any] ?? [:]
        }
        var message: String { json["message"] as? String ?? "" }
        var rows: [[String: Any]] { json["connection_logs"] as? [[String: Any]] ?? [] }
        var ids: [String] { rows.compactMap { $0["id"] as? String } }
        var validations: [[String: String]] {
            (json["validations"] as? [[String: Any]] ?? []).map { $0.compactMapValues { $0 as? String } }
        }
    }

    func get(_ path: String, _ headers: [(name: String, value: String)] = []) async throws -> Reply {
        try await perform(
            HTTPRequest(.get, "http://127.0.0.1:\(port)\(path)", headers: headers, timeout: .seconds(600)))
    }

    func post(
        _ path: String, _ body: [UInt8], _ headers: [(name: String, value: String)] = []
    ) async throws -> Reply {
        let url = "http://127.0.0.1:\(port)\(path)"
        let hasType = headers.contains { $0.name == "Content-Type" }
        let headers = headers + (hasType ? [] : [("Content-Type", "application/jsonl")])
        return try await perform(
            HTTPRequest(.post, url, headers: headers, body: ByteBuffer(body), timeout: .seconds(600)))
    }

    private func perform(_ request: consuming HTTPRequest) async throws -> Reply {
        let all = Collected()
        request.takesBody = { all.add($0) }
        let response = try await session.perform(request).outcome.get()
        let body = response.status == 200 ? all.bytes : response.body
        return Reply(
            status: response.status, contentType: response.contentType, retryAfter: response.retryAfter,
            cookies: response.cookies, body: body)
    }

    /// `GET`s a stream until `isEnough` says so.
    func stream(
        _ path: String, _ headers: [(name: String, value: String)] = [],
        until isEnough: @escaping @Sendable (String) -> Bool
    ) async {
        let all = Collected()
        await pieces(path, headers) { piece in
            all.add(piece)
            return isEnough(String(decoding: all.bytes, as: UTF8.self))
        }
    }

    /// `GET`s a stream until one piece is enough.
    func pieces(
        _ path: String, _ headers: [(name: String, value: String)] = [],
        until isEnough: @escaping @Sendable ([UInt8]) -> Bool
    ) async {
        let (ends, end) = AsyncStream.makeStream(of: Void.self)
        var request = HTTPRequest(
            .get, "http://127.0.0.1:\(port)\(path)", headers: headers, timeout: .seconds(600))
        request.takesBody = { if isEnough($0) { end.finish() } }
        let (session, started) = (session, request)
        let task = Task {
            _ = await session.perform(started)
            end.finish()
        }
        for await _ in ends {}
        task.cancel()
        await task.value
    }

    /// Sends bytes as they are and gives back what comes until the server closes, or until `isEnough` says so.
    func raw(
        _ text: String, until isEnough: @escaping @Sendable (String) -> Bool = { _ in false }
    ) async throws -> String {
        let client = try RawClient(port: port)
        await client.send(text)
        return await client.read(until: isEnough)
    }

    static func escaped(_ text: String) -> String {
        text.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? ""
    }
}

/// What the server said.
final class LogLines: Sendable {
    private let lines = Mutex<[String]>([])
    func add(_ line: String) { lines.withLock { $0.append(line) } }
    var all: [String] { lines.withLock { $0 } }
}

private final class Collected: Sendable {
    private let kept = Mutex<[UInt8]>([])
    func add(_ bytes: [UInt8]) { kept.withLock { $0 += bytes } }
    var bytes: [UInt8] { kept.withLock { $0 } }
}

/// Runs `body` with a server and stops it.
func withServer(
    _ events: [ToldEvent] = [], access: AccessList = AccessList(isOpen: true), names: any Names = NoNames(),
    intake: (any EventIntake)? = nil, change: (inout APIServer.Options) -> Void = { _ in },
    _ body: (TestServer) async throws -> Void
) async throws {
    let server = try await TestServer(events, access: access, names: names, intake: intake, change: change)
    do {
        try await body(server)
    } catch {
        await server.stop()
        throw error
    }
    await server.stop()
}
#endif
