import ConnlogSystem
import ConnlogTestSupport
import Foundation
import Synchronization
import Testing

@Suite struct HTTPSessionTests {
    private func session(_ change: (inout HTTPSettings) -> Void = { _ in }) -> HTTPSession {
        var settings = HTTPSettings(userAgent: "connlog/test")
        settings.proxy = .none
        // However slow the machine is, connections are kept.
        settings.connectionIdle = .seconds(3600)
        settings.connectionAge = .seconds(3600)
        change(&settings)
        return HTTPSession(settings)
    }

    private func post(_ url: String, _ body: [UInt8], timeout: Duration = .seconds(60)) -> HTTPRequest {
        HTTPRequest(.post, url, body: ByteBuffer(body), timeout: timeout)
    }

    @Test(arguments: [0, 1, 1000, 1 << 20, (3 << 20) + 17])
    func `a body arrives as it was, and its memory comes back`(size: Int) async throws {
        let body = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        let server = try HTTPServer { request in
            .reply(status: request.body == body ? 200 : 400, body: "\(request.body.count)")
        }
        defer { server.stop() }
        let result = await session().perform(post(server.url + "/x", body))
        let response = try result.outcome.get()
        #expect(response.status == 200)
        #expect(String(decoding: response.body, as: UTF8.self) == "\(size)")
        #expect(result.requestBody.array == body)
    }

    @Test func `every request names its agent, expects nothing, and keeps its connection`() async throws {
        let seen = Mutex<[ServedRequest]>([])
        let server = try HTTPServer { request in
            seen.withLock { $0.append(request) }
            return .reply(status: 200, headers: [("Retry-After", " 7 "), ("Set-Cookie", "a=b")], body: "x")
        }
        defer { server.stop() }
        let session = session()
        for _ in 0..<3 {
            var request = post(server.url, [UInt8](repeating: 1, count: 2 << 20))
            request.headers = [("Authorization", "Splunk x\r\nInjected: yes")]
            let response = try await session.perform(request).outcome.get()
            #expect(response.retryAfter == "7")
            #expect(response.cookies == ["a=b"])
        }
        #expect(server.connectionCount == 1)
        for request in seen.withLock({ $0 }) {
            #expect(request.header("user-agent") == "connlog/test")
            #expect(request.header("expect") == nil)
            #expect(request.header("injected") == nil)
            #expect(request.version == "HTTP/1.1")
        }
    }

    @Test(.timeLimit(.minutes(10))) func `a connection that is older than it may be is not used again`() async throws {
        let server = try HTTPServer { _ in .reply(status: 200, body: "x") }
        defer { server.stop() }
        var settings = HTTPSettings(userAgent: "connlog/test")
        settings.proxy = .none
        settings.connectionAge = .seconds(1)
        let session = HTTPSession(settings)
        // libcurl counts whole seconds, so this takes between one and two.
        while server.connectionCount < 2 { _ = try await session.perform(post(server.url, [1])).outcome.get() }
    }

    @Test func `a redirect is a reply like any other`() async throws {
        let server = try HTTPServer { _ in .reply(status: 303, headers: [("Location", "/elsewhere")], body: "") }
        defer { server.stop() }
        let response = try await session().perform(post(server.url, [1])).outcome.get()
        #expect(response.status == 303)
    }

    @Test func `the connection is closed after a status that asks for it`() async throws {
        let server = try HTTPServer { _ in .reply(status: 503, body: "busy") }
        defer { server.stop() }
        let session = session()
        for closes in [false, true, false] {
            var request = post(server.url, [1])
            request.statusesThatClose = closes ? [503] : []
            #expect(try await session.perform(request).outcome.get().status == 503)
        }
        #expect(server.connectionCount == 2)
    }

    @Test func `many requests are under way at once`() async throws {
        let arrived = Counter()
        let server = try HTTPServer { _ in
            arrived.next()
            // Nobody is answered before all are here.
            while arrived.value < 8 { sched_yield() }
            return .reply(status: 200, body: "")
        }
        defer { server.stop() }
        let session = session()
        let url = server.url
        await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    let request = HTTPRequest(.post, url, body: ByteBuffer([1, 2]), timeout: .seconds(60))
                    return (try? await session.perform(request).outcome.get().status) == 200
                }
            }
            for await isAnswered in group { #expect(isAnswered) }
        }
    }

    @Test func `cancelling breaks a silent request off`() async throws {
        let arrived = AsyncStream.makeStream(of: Void.self)
        let server = try HTTPServer { _ in
            arrived.continuation.yield()
            return .silence
        }
        defer { server.stop() }
        let session = session()
        let url = server.url
        let task = Task {
            await session.perform(HTTPRequest(.post, url, body: ByteBuffer([1]), timeout: .seconds(60)))
        }
        var arrivals = arrived.stream.makeAsyncIterator()
        await arrivals.next()
        task.cancel()
        let failure = try #require(await task.value.failure)
        #expect(failure.kind == .cancelled)
        #expect(failure.sentBody == .all)
    }

    @Test func `a task that is cancelled already sends nothing`() async throws {
        let server = try HTTPServer { _ in .reply(status: 200, body: "") }
        defer { server.stop() }
        let session = session()
        let url = server.url
        let task = Task {
            while !Task.isCancelled { await Task.yield() }
            return await session.perform(HTTPRequest(.post, url, body: ByteBuffer([1]), timeout: .seconds(60)))
        }
        task.cancel()
        #expect(try #require(await task.value.failure).kind == .cancelled)
        #expect(server.connectionCount == 0)
    }

    @Test func `silence ends with the timeout, and the body counts as sent`() async throws {
        let server = try HTTPServer { _ in .silence }
        defer { server.stop() }
        let result = await session().perform(post(server.url, [1, 2, 3], timeout: .milliseconds(150)))
        let failure = try #require(result.failure)
        #expect(failure.kind == .timeout)
        #expect(failure.sentBody == .all)
    }

    @Test func `nobody there, no such name, no such file: each has its kind, and nothing was sent`() async throws {
        let port = try LoopbackListener.freePort()
        let refused = await session().perform(post("http://127.0.0.1:\(port)/", [1]))
        #expect(refused.failure?.kind == .connect)
        #expect(refused.failure?.sentBody == HTTPFailure.SentBody.none)
        let unknown = await session().perform(post("http://connlog.invalid/", [1]))
        #expect(unknown.failure?.kind == .resolve)
        let file = await session { $0.certificateAuthorityFile = "/nonexistent/ca.pem" }
            .perform(post("https://127.0.0.1:\(port)/", [1]))
        #expect([.certificateFile, .connect].contains(file.failure?.kind))
        let scheme = await session().perform(post("file:///etc/passwd", [1]))
        #expect(scheme.failure?.kind == .request)
    }

    @Test func `a body that was broken off was not sent whole`() async throws {
        let server = try HTTPServer(appetite: { _ in .bytes(10) }) { _ in .close }
        defer { server.stop() }
        // More than the kernel's socket buffers hold.
        let result = await session().perform(post(server.url, [UInt8](repeating: 1, count: 8 << 20)))
        let failure = try #require(result.failure)
        #expect(failure.kind == .broken)
        #expect(failure.sentBody != .all)
    }

    @Test func `a reply that never comes or breaks off leaves the body as sent`() async throws {
        for reply in [ServedReply.close, .reply(status: 200, body: "a long body", cutTo: 3)] {
            let server = try HTTPServer { _ in reply }
            defer { server.stop() }
            let failure = try #require(await session().perform(post(server.url, [1])).failure)
            #expect(failure.kind == .broken)
            #expect(failure.sentBody == .all)
        }
    }

    @Test func `a kept connection that died under a whole body is not tried again behind our back`() async throws {
        let requests = Counter()
        let server = try HTTPServer { _ in
            requests.next() == 0 ? .reply(status: 200, body: "") : .close
        }
        defer { server.stop() }
        let session = session()
        _ = try await session.perform(post(server.url, [1])).outcome.get()
        let failure = try #require(await session.perform(post(server.url, [2])).failure)
        #expect(failure.sentBody == .all)
        #expect(requests.value == 2)
    }

    @Test func `a long reply is kept in part and a longer one broken off`() async throws {
        for size in [HTTPResponse.bodyBytesKept, HTTPResponse.bodyBytesKept + 1, 4 << 20] {
            let server = try HTTPServer { _ in .reply(status: 200, body: String(repeating: "x", count: size)) }
            defer { server.stop() }
            let response = try await session().perform(post(server.url, [1])).outcome.get()
            #expect(response.body.count == min(size, HTTPResponse.bodyBytesKept))
            #expect(response.bodyIsCut == (size > HTTPResponse.bodyBytesKept))
        }
    }

    /// A server that answers with these bytes, and with the last ones again and again if it is to have no end.
    private func server(_ first: [UInt8], endless: [UInt8] = []) throws -> LoopbackListener {
        try LoopbackListener { connection in
            _ = connection.read(atMost: 1 << 16)
            guard connection.write(first) else { return }
            if endless.isEmpty { return connection.waitUntilGone() }
            while connection.write(endless) {}
        }
    }

    private func packed(_ body: [UInt8]) -> [UInt8] {
        var packed = ByteBuffer()
        Gzip().compress(body.span, into: &packed)
        let head = "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: \(packed.count)\r\n\r\n"
        return Array(head.utf8) + packed.array
    }

    @Test func `a reply that something on the way has compressed is unpacked, within the same bounds`() async throws {
        let words = Array(#"{"text":"Success","code":0}"#.utf8)
        for (body, isCut) in [(words, false), ([UInt8](repeating: 0x20, count: 64 << 20), true)] {
            let server = try server(packed(body))
            defer { server.stop() }
            let response = try await session().perform(post("http://127.0.0.1:\(server.port)", [1])).outcome.get()
            #expect(response.bodyIsCut == isCut)
            #expect(response.body == Array(body.prefix(HTTPResponse.bodyBytesKept)))
        }
    }

    @Test(arguments: ["HTTP/1.1 100 Continue\r\n\r\n", "X-Filler: \(String(repeating: "x", count: 1000))\r\n"])
    func `a server whose headers have no end is broken off`(again: String) async throws {
        let begin = again.hasPrefix("HTTP") ? "" : "HTTP/1.1 200 OK\r\n"
        let server = try server(Array(begin.utf8), endless: Array(again.utf8))
        defer { server.stop() }
        let result = await session().perform(post("http://127.0.0.1:\(server.port)", [1]))
        #expect(result.failure?.kind == .broken, "\(result.outcome)")
        #expect(result.failure?.sentBody == .all)
    }
}

extension HTTPResult {
    fileprivate var failure: HTTPFailure? {
        if case .failure(let failure) = outcome { failure } else { nil }
    }
}
