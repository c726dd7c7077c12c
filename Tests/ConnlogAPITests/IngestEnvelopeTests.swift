#if Server
import ConnlogCore
import ConnlogSystem
import ConnlogTestSupport
import Foundation
import Synchronization
import Testing

@testable import ConnlogAPI

/// What services post at once, over HTTP as they post it.
@Suite struct IngestEnvelopeTests {
    private static let path = "/api/v2/connectionlog/ingest"
    private static let events = (0..<5).map { TestEvents.line($0) }

    private static func quoted(_ text: String) -> String { JSONText.quoted(text) }

    private static func cloudWatch(_ lines: some Sequence<String>, group: String = "/coder") -> String {
        "{\"messageType\":\"DATA_MESSAGE\",\"owner\":\"1\",\"logGroup\":\"\(group)\",\"logStream\":\"s\","
            + "\"subscriptionFilters\":[\"f\"],\"logEvents\":["
            + lines.map { "{\"id\":\"1\",\"timestamp\":1788830349000,\"message\":\(quoted($0))}" }.joined(
                separator: ",")
            + "]}"
    }

    private static func gzip(_ text: String) -> [UInt8] {
        var packed = ConnlogSystem.ByteBuffer()
        Gzip().compress(Array(text.utf8).span, into: &packed)
        return packed.array
    }

    private static func firehose(_ records: [[UInt8]]) -> String {
        "{\"requestId\":\"r-1\",\"timestamp\":1788830349000,\"records\":["
            + records.map { "{\"data\":\"\(Data($0).base64EncodedString())\"}" }.joined(separator: ",") + "]}"
    }

    private func post(
        _ body: [UInt8], _ headers: [(name: String, value: String)] = [], _ intake: DecodingIntake = DecodingIntake(),
        bytesMax: Int = 64 << 20
    ) async throws -> TestServer.Reply {
        var reply: TestServer.Reply?
        try await withServer(intake: intake, change: { $0.bodyBytesMax = bytesMax }) { server async throws in
            reply = try await server.post(Self.path, body, headers)
        }
        return try #require(reply)
    }

    private static let bodies: [(name: String, body: String)] = [
        ("Firehose", firehose([gzip(cloudWatch(events[..<2])), gzip(cloudWatch(events[2...]))])),
        ("Firehose, one after another in one", firehose([gzip(cloudWatch(events[..<2]) + cloudWatch(events[2...]))])),
        ("Firehose, lines that are not packed", firehose(events.map { Array($0.utf8) })),
        ("CloudWatch", cloudWatch(events)),
        (
            "Pub/Sub",
            "{\"message\":{\"attributes\":{},\"messageId\":\"1\",\"data\":\""
                + Data(
                    ("{\n\"logName\":\"l\",\"resource\":{\"labels\":{\"container_name\":\"coder\"}},\"textPayload\":"
                        + "\(quoted(events[0]))}").utf8
                ).base64EncodedString() + "\"},\"subscription\":\"projects/p/subscriptions/s\"}"
        ),
        (
            "Datadog",
            "["
                + events.map { "{\"ddsource\":\"coder\",\"ddtags\":\"a:b\",\"message\":\(quoted($0))}" }.joined(
                    separator: ",")
                + "]"
        ),
        (
            "Loki",
            "{\"streams\":[{\"stream\":{\"container\":\"coder\"},\"values\":["
                + events.map { "[\"1\",\(quoted($0))]" }.joined(separator: ",") + "]}]}"
        ),
        (
            "OTLP",
            "{\"resourceLogs\":[{\"resource\":{},\"scopeLogs\":[{\"logRecords\":["
                + events.map { "{\"body\":{\"stringValue\":\(quoted($0))}}" }.joined(separator: ",") + "]}]}]}"
        ),
        (
            "HEC",
            events.map { "{\"time\":1,\"host\":\"h\",\"sourcetype\":\"coder\",\"event\":\($0)}" }.joined()
        ),
        (
            "HEC, pretty",
            events.map { "{\n \"time\": 1,\n \"host\": \"h\",\n \"sourcetype\": \"c\",\n \"event\": \($0)\n}" }
                .joined()
        ),
        ("a pretty array", "[\n  " + events.joined(separator: ",\n  ") + "\n]\n"),
    ]

    @Test func `each envelope's events are taken, packed by gzip or not`() async throws {
        for (name, body) in Self.bodies {
            let wanted = name == "Pub/Sub" ? 1 : 5
            let gzip = [(name: "Content-Encoding", value: "gzip")]
            for (bytes, headers) in [(Array(body.utf8), []), (Self.gzip(body), gzip)] {
                let reply = try await post(bytes, headers)
                #expect(reply.status == 200, "\(name): \(reply.text)")
                #expect(reply.json["accepted"] as? Int == wanted, "\(name): \(reply.text)")
                #expect(reply.json["refused"] as? Int == 0, "\(name): \(reply.text)")
            }
        }
    }

    /// W9.
    @Test func `one bad element of five is refused with its place`() async throws {
        var elements = Self.events
        elements[2] = "{\"ts\": oops, \"msg\": \"connection_log\"}"
        let reply = try await post(Array("[\n  \(elements.joined(separator: ",\n  "))\n]".utf8))
        #expect(reply.json["accepted"] as? Int == 4 && reply.json["refused"] as? Int == 1, "\(reply.text)")
        #expect((reply.json["refusals"] as? [[String: Any]])?.map { $0["line"] as? Int } == [3])
    }

    /// `1234`, `null` and `true` have the letters of base64, and are no text.
    @Test(arguments: ["1234", "null", "true", "{\"a\":1}", "[]"])
    func `data that is no text is refused and counted, and what is beside it is taken`(value: String) async throws {
        let pubSub = "{\"message\":{\"messageId\":\"1\",\"data\":\(value)},\"subscription\":\"s\"}"
        let alone = try await post(Array(pubSub.utf8))
        #expect(alone.status == 200 && alone.json["refused"] as? Int == 1, "\(alone.text)")
        let good = Data(Self.events[0].utf8).base64EncodedString()
        for bad in [value, "{\"data\":\(value)}"] {
            let text = "{\"requestId\":\"r\",\"timestamp\":1,\"records\":[\(bad),{\"data\":\"\(good)\"}]}"
            let reply = try await post(Array(text.utf8))
            #expect(reply.json["accepted"] as? Int == 1, "\(bad): \(reply.text)")
            #expect(reply.json["refused"] as? Int == 1, "\(bad): \(reply.text)")
        }
        let attributes = "{\"message\":{\"messageId\":\"1\",\"attributes\":{}},\"subscription\":\"s\"}"
        #expect(try await post(Array(attributes.utf8)).json["refused"] as? Int == 0)
    }

    @Test(arguments: [-1, 0, 1])
    func `a record is taken up to its limit, and what is larger is told and not counted as taken`(more: Int)
        async throws
    {
        let line = Self.events[0] + "\n"
        let filler = String(repeating: " ", count: 2000 + more - line.utf8.count) + line
        #expect(filler.utf8.count == 2000 + more)
        let document = "{\n\"a\":\"" + String(repeating: "x", count: 2000 + more - 9) + "\"}"
        #expect(document.utf8.count == 2000 + more)
        // A record that unpacks to so much, a document that is so long, the first of its body and not.
        for text in [Self.firehose([Self.gzip(filler)]), document, "{\n}\n" + document] {
            var body = IngestBody(try DecodingIntake().begin(), bytesMax: 10_000, documentBytesMax: 2000)
            var wrong: IngestBody.TooLarge?
            do {
                try await body.take(Array(text.utf8).span)
                _ = try await body.finish()
            } catch let error as IngestBody.TooLarge { wrong = error }
            #expect(wrong == (more > 0 ? .document(bytesMax: 2000) : nil), "\(text.prefix(20))")
        }
    }

    @Test func `a record that is too large is answered with 413 and what to do`() async throws {
        let large = String(repeating: " ", count: IngestBody.usualDocumentBytesMax) + "\n"
        let reply = try await post(Array(Self.firehose([Self.gzip(large)]).utf8))
        #expect(reply.status == 413 && reply.message.contains("One record"), "\(reply.text)")
        #expect(reply.text.contains("16777216 bytes"))
        let bounded = try await post(Array(Self.firehose([Self.gzip(large)]).utf8), bytesMax: 100_000)
        #expect(bounded.status == 413 && bounded.message.contains("The body"), "\(bounded.text)")
    }

    @Test func `Firehose gets its own answer, good or bad, and may name its token as it does`() async throws {
        let id = [(name: "X-Amz-Firehose-Request-Id", value: "r-1")]
        let good = try await post(Array(Self.firehose([Self.gzip(Self.cloudWatch(Self.events))]).utf8), id)
        #expect(good.status == 200 && good.json["requestId"] as? String == "r-1", "\(good.text)")
        #expect((good.json["timestamp"] as? Int ?? 0) > 1_700_000_000_000)
        let bad = try await post(Array("{\"event\":{\"msg\":\"connection_log\"}}".utf8), id)
        #expect(bad.status == 400 && bad.json["requestId"] as? String == "r-1", "\(bad.text)")
        #expect((bad.json["errorMessage"] as? String ?? "").contains("no event"), "\(bad.text)")
        let token = AccessTests.tokens[.ingest]?.token ?? ""
        try await withServer(access: try AccessTests.access(), intake: DecodingIntake()) { server async throws in
            let body = Array(Self.cloudWatch(Self.events).utf8)
            for (sent, status) in [(token, 200), ("wrong", 401)] {
                let key = [(name: "X-Amz-Firehose-Access-Key", value: sent)]
                #expect(try await server.post(Self.path, body, id + key).status == status)
                // It opens nothing else.
                #expect(try await server.get("/api/v2/connectionlog", key).status == 401)
            }
        }
    }

    @Test func `a record that is no base64 or damaged gzip is refused, and the others are taken`() async throws {
        let whole = Self.gzip(Self.cloudWatch(Self.events))
        var damaged = whole
        damaged[damaged.count - 6] ^= 0xff
        let text = Self.firehose([whole, damaged, Array(whole.dropLast(9))])
            .replacing("\"records\":[", with: "\"records\":[{\"data\":\"!!!!\"},{\"date\":1},")
        let reply = try await post(Array(text.utf8))
        #expect(reply.status == 200 && reply.json["accepted"] as? Int == 5, "\(reply.text)")
        #expect(reply.json["refused"] as? Int ?? 0 >= 4, "\(reply.text)")
    }

    @Test(arguments: [(-1, 413), (0, 200), (1, 200)])
    func `what envelopes unpack to is bounded`(more: Int, status: Int) async throws {
        let inner = Self.cloudWatch([String(repeating: " ", count: 100_000) + "x"])
        // Unpacked, and again as the lines that it holds.
        var lines: [UInt8] = []
        if case .list(var records) = Envelope(Array(inner.utf8).span) {
            while records.next(Array(inner.utf8).span, into: &lines) {}
        }
        let body = Array(Self.firehose([Self.gzip(inner)]).utf8)
        let reply = try await post(body, bytesMax: inner.utf8.count + lines.count + more)
        #expect(reply.status == status, "\(reply.text)")
    }

    @Test func `a bomb in a record ends where the limit is`() async throws {
        let bomb = Self.gzip(String(repeating: " ", count: 32 << 20))
        let body = Array(Self.firehose([[UInt8]](repeating: bomb, count: 8)).utf8)
        #expect(body.count < 1 << 20)
        #expect(try await post(body, bytesMax: 40 << 20).status == 413)
    }

    @Test func `text of users in an envelope is no event`() async throws {
        let text = "2025-07-03 05:09:41.929 [info]  coderd: x  reason= x\n\(TestEvents.line(7))"
        for body in [
            Self.firehose([Self.gzip(Self.cloudWatch([text]))]), Self.cloudWatch([text]),
            "{\"streams\":[{\"stream\":{\"a\":\(Self.quoted(text))},\"values\":[[\"1\",\(Self.quoted(text))]]}]}",
            "{\"requestId\":\(Self.quoted(text)),\"timestamp\":1,\"records\":[]}",
        ] {
            #expect(try await post(Array(body.utf8)).json["accepted"] as? Int ?? 0 == 0, "\(body)")
        }
    }

    @Test func `foreign events and those that lack fields are counted in the answer`() async throws {
        let intake = DecodingIntake(OriginConditions(logGroups: ["/coder"]))
        let body = Self.cloudWatch(Self.events[..<2]) + Self.cloudWatch(Self.events[2...], group: "/dev")
        let reply = try await post(Array(body.utf8), [], intake)
        #expect(reply.json["accepted"] as? Int == 2 && reply.json["foreign"] as? Int == 3, "\(reply.text)")
        let parsed =
            "{\"logName\":\"l\",\"resource\":{\"labels\":{}},\"jsonPayload\":{\"msg\":\"connection_log\",\"fields\":"
            + "{\"ID\":\"\(TestEvents.id(1))\",\"ConnectionStatus\":\"connected\",\"Time\":\"2025-07-10T10:14:38Z\"}}}\n"
        #expect(try await post(Array(parsed.utf8)).json["incomplete"] as? Int == 1)
    }
}

/// Decodes what it is given, and keeps the counts.
struct DecodingIntake: EventIntake {
    let origins: OriginConditions

    init(_ origins: OriginConditions = OriginConditions()) { self.origins = origins }

    func begin() throws(IntakeError) -> any IntakeSession { Session(origins) }

    final class Session: IntakeSession {
        private let bytes = Mutex<[UInt8]>([])
        private let origins: OriginConditions

        init(_ origins: OriginConditions) { self.origins = origins }

        func take(_ piece: Span<UInt8>) async throws(IntakeError) {
            bytes.withLock { bytes in
                for index in piece.indices { bytes.append(piece[index]) }
            }
        }

        func finish() async throws(IntakeError) -> IntakeReport {
            var decoder = EventDecoder(origins: origins, samplesMax: 100)
            var batch = EventBatch()
            batch.bytes.append(contentsOf: bytes.withLock { $0 })
            _ = decoder.decode(0..<batch.bytes.count, in: &batch, isEnd: true)
            let counts = decoder.takeCounts()
            var report = IntakeReport()
            report.accepted = counts.events
            report.skipped = counts.other - counts.unreadMentions
            report.foreign = counts.foreign
            report.incomplete = counts.incomplete
            report.refused = counts.malformed.values.reduce(counts.unreadMentions + counts.tooLong + counts.partial, +)
            report.refusals = counts.samples.map { .init(line: $0.line, reason: $0.fault.description) }
            return report
        }
    }
}
#endif
