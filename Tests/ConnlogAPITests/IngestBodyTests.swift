#if Server
import ConnlogCore
import ConnlogSystem
import ConnlogTestSupport
import Synchronization
import Testing

@testable import ConnlogAPI

/// What becomes of the bodies that programs hand in.
@Suite struct IngestBodyTests {
    @Test(arguments: ["connection_log", "xxconnection_logyy", "conconnection_log", "connection_connection_log"])
    func `a word is found wherever the pieces are cut`(text: String) {
        let bytes = Array(text.utf8)
        for cut in 0...bytes.count {
            var search = WordSearch("connection_log")
            search.look(bytes.span.extracting(0..<cut))
            search.look(bytes.span.extracting(cut..<bytes.count))
            #expect(search.isFound)
        }
        var other = WordSearch("connection_log")
        other.look(Array("connection_lo connection-log".utf8).span)
        #expect(!other.isFound)
    }

    @Test func `a body of which nothing is taken is no success, and the way out is told`() async throws {
        let body = Array(#"{"event":{"msg":"connection_log"}}"#.utf8)
        try await withServer(intake: NoIntake()) { server async throws in
            let reply = try await server.post("/api/v2/connectionlog/ingest", body)
            #expect(reply.status == 400 && reply.text.contains("JSON array"), "\(reply.text)")
            #expect(try await server.post("/api/v2/connectionlog/ingest", Array("GET /\n".utf8)).status == 200)
        }
    }

    @Test func `what comes over the wire is bounded too`() async throws {
        // gzip of nothing, again and again: no byte of lines ever comes out.
        let empty: [UInt8] = [
            0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        ]
        let many = [[UInt8]](repeating: empty, count: 1000).flatMap { $0 }
        try await withServer(intake: NoIntake(), change: { $0.bodyBytesMax = 10_000 }) { server async throws in
            let gzip = [(name: "Content-Encoding", value: "gzip")]
            #expect(try await server.post("/api/v2/connectionlog/ingest", Array(many.prefix(9980)), gzip).status == 200)
            let chunked =
                "POST /api/v2/connectionlog/ingest HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/jsonl\r\n"
                + "Content-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n"
            let client = try RawClient(port: server.port)
            await client.send(chunked)
            for _ in 0..<200 {
                await client.send("7d0\r\n")
                await client.send(bytes: Array(many.prefix(2000)))
                await client.send("\r\n")
            }
            #expect(await client.read { $0.contains("\r\n\r\n") }.hasPrefix("HTTP/1.1 413"))
        }
    }

    @Test func `a body may come as slowly as it needs to, not slower`() {
        let start = ContinuousClock.now
        let bodyTimeout = BodyTimeout(.seconds(30))
        for second in 0..<100 {
            bodyTimeout.wait(now: start + .seconds(second))
            bodyTimeout.go(on: 4096, now: start + .seconds(second + 1))
        }
        bodyTimeout.wait(now: start + .seconds(100))
        #expect(!bodyTimeout.isOver(now: start + .seconds(130)))
        #expect(bodyTimeout.isOver(now: start + .seconds(131)))
        let drip = BodyTimeout(.seconds(30))
        for second in 0..<31 {
            drip.wait(now: start + .seconds(second))
            drip.go(on: 1, now: start + .seconds(second + 1))
        }
        drip.wait(now: start + .seconds(31))
        #expect(drip.isOver(now: start + .seconds(31)))
        // While we work ourselves, nobody is slow.
        let busy = BodyTimeout(.seconds(30))
        #expect(!busy.isOver(now: start + .seconds(1000)))
    }
}
#endif
