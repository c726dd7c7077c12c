import ConnlogCore
import ConnlogSystem
import Foundation
import Testing

@testable import ConnlogSinks

/// What a reply is judged to be, one word and its label.
private struct Judged: Equatable, CustomStringConvertible {
    let kind: String
    let label: String
    var description: String { "\(kind) \(label)" }

    init(_ outcome: SendOutcome) {
        switch outcome {
        case .delivered: (kind, label) = ("delivered", "")
        case .deliveredPrefix(let count): (kind, label) = ("prefix \(count)", "")
        case .accepted: (kind, label) = ("accepted", "")
        case .retry(_, let reason): (kind, label) = ("retry", reason.label)
        case .hold(let reason): (kind, label) = ("hold", reason.label)
        case .rejected(let place, let reason):
            (kind, label) = ("rejected \(place.map(String.init) ?? "?")", reason.label)
        case .rejectedUnproven(let place, let reason): (kind, label) = ("unproven \(place)", reason.label)
        case .tooLarge(let reason): (kind, label) = ("tooLarge", reason.label)
        }
    }
}

@Suite struct SplunkHECReplyTests {
    private let sent = HECSent(
        endpoint: "https://splunk:8088", events: 5, bodyBytes: 4000, isCompressed: true,
        now: 1_700_000_000_000_000_000)

    private func verdict(
        _ status: Int, _ body: String, retryAfter: String? = nil, contentType: String? = nil, sent: HECSent? = nil
    ) -> HECVerdict {
        HECVerdict(
            .success(
                HTTPResponse(status: status, contentType: contentType, retryAfter: retryAfter, body: Array(body.utf8))),
            sent ?? self.sent)
    }

    private func kind(_ status: Int, _ body: String) -> String { Judged(verdict(status, body).outcome).kind }

    @Test func `the table has every code once, in the order of the documentation`() {
        #expect(HECReplyTable.rows.map(\.code) == Array(0...28))
    }

    @Test(arguments: [200, 201, 202], ["0", "\"0\""])
    func `success is success with the statuses and the spelling that others give it`(status: Int, code: String) {
        #expect(kind(status, "{\"text\":\"Success\",\"code\":\(code)}") == "delivered")
    }

    @Test(arguments: [
        (200, 0, "delivered"), (403, 1, "hold"), (401, 2, "hold"), (401, 3, "hold"), (403, 4, "hold"),
        (400, 5, "rejected ?"), (400, 6, "rejected ?"), (400, 7, "hold"), (500, 8, "retry"), (503, 9, "retry"),
        (400, 10, "retry"), (400, 11, "retry"), (400, 12, "rejected ?"), (400, 13, "rejected ?"), (400, 14, "hold"),
        (400, 15, "rejected ?"), (400, 16, "hold"), (200, 17, "hold"), (503, 18, "retry"), (503, 19, "retry"),
        (503, 20, "retry"), (400, 21, "hold"), (400, 22, "hold"), (503, 23, "retry"), (200, 24, "delivered"),
        (200, 25, "delivered"), (429, 26, "retry"), (429, 27, "retry"), (400, 28, "retry"),
    ])
    func `each code has its class`(status: Int, code: Int, kind: String) {
        #expect(self.kind(status, "{\"text\":\"words\",\"code\":\(code)}") == kind)
    }

    @Test func `unknown codes are held below 500 and tried again above`() {
        #expect(kind(400, #"{"text":"?","code":29}"#) == "hold")
        #expect(kind(200, #"{"text":"?","code":99}"#) == "hold")
        #expect(kind(500, #"{"text":"?","code":99}"#) == "retry")
        #expect(kind(200, #"{"text":"busy","code":9}"#) == "retry")
    }

    @Test(arguments: [
        (6, "0", "rejected 0"), (6, "2", "rejected 2"), (6, "4", "rejected 4"), (6, "5", "rejected ?"),
        (6, "-1", "rejected ?"), (6, "\"2\"", "rejected ?"), (6, "2.5", "rejected ?"), (6, "null", "rejected ?"),
        (6, "99999999999999999999", "rejected ?"), (12, "1", "rejected 1"), (13, "1", "rejected 1"),
        (15, "1", "rejected 1"), (5, "1", "rejected 1"),
        // One too high, and a matter of configuration: what was taken is done, the rest is held.
        (7, "1", "hold"), (7, "3", "prefix 2"), (7, "5", "prefix 4"), (7, "6", "hold"), (7, "0", "hold"),
        (7, "-1", "hold"),
    ])
    func `the number of the bad event is corrected and checked`(code: Int, number: String, expected: String) {
        #expect(kind(400, "{\"text\":\"t\",\"code\":\(code),\"invalid-event-number\":\(number)}") == expected)
    }

    @Test func `a busy server's number means that those before it were taken`() {
        #expect(kind(503, #"{"text":"t","code":9,"invalid-event-number":3}"#) == "prefix 3")
        #expect(kind(503, #"{"text":"t","code":9,"invalid-event-number":0}"#) == "retry")
        #expect(kind(503, #"{"text":"t","code":9,"invalid-event-number":5}"#) == "retry")
        #expect(kind(429, #"{"text":"t","code":26,"invalid-event-number":1}"#) == "prefix 1")
    }

    @Test func `code 6 at the first event of a body above Cloud's limit is a matter of size`() {
        var large = sent
        large.bodyBytes = HECVerdict.cloudBodyMax + 1
        let first = #"{"text":"t","code":6,"invalid-event-number":0}"#
        #expect(Judged(verdict(400, first, sent: large).outcome).kind == "tooLarge")
        let third = #"{"text":"t","code":6,"invalid-event-number":2}"#
        #expect(Judged(verdict(400, third, sent: large).outcome).kind == "rejected 2")
    }

    @Test(arguments: [
        (301, "hold"), (302, "hold"), (303, "hold"), (307, "hold"), (308, "hold"), (401, "hold"), (403, "hold"),
        (404, "hold"), (405, "hold"), (407, "hold"), (408, "retry"), (413, "tooLarge"), (415, "retry"), (418, "hold"),
        (425, "retry"), (429, "retry"), (495, "hold"), (496, "hold"), (500, "retry"), (501, "retry"), (502, "retry"),
        (503, "retry"), (504, "retry"), (511, "hold"), (599, "retry"), (200, "hold"), (204, "hold"), (299, "hold"),
    ])
    func `each status has its class whatever its body`(status: Int, kind: String) {
        for body in ["<html><body>Nope</body></html>", "", "gone", "[1]", "{}"] {
            #expect(self.kind(status, body) == kind, "\(body)")
        }
    }

    @Test(arguments: [
        "", " ", "<html>Please log in</html>", "OK", "{}", "[]", "0", "true", #"{"text":"Success"}"#,
        #"{"text":"Success","code":"zero"}"#, #"{"text":"Success","code":""}"#, #"{"text":"Success","code":null}"#,
        #"{"text":"Success","code":0} trailing"#,
        #"{"code":0.0}"#, #"{"acks":{"0":true}}"#, "\u{0}",
    ])
    func `a 200 that is no reply of the collector never counts as delivered`(body: String) {
        let verdict = verdict(200, body)
        #expect(Judged(verdict.outcome) == Judged(.hold(Reason("not_hec", ""))))
        guard case .hold(let reason) = verdict.outcome else { return }
        #expect(reason.mayRepeat)
    }

    @Test func `a reply cut anywhere is tried again, and may repeat`() {
        let whole = #"{"text":"Success \"x\" é","code":0,"ackId":12}"#
        let bytes = Array(whole.utf8)
        for end in 1..<bytes.count {
            let response = HTTPResponse(status: 200, body: Array(bytes[..<end]))
            guard case .retry(_, let reason) = HECVerdict(.success(response), sent).outcome else {
                Issue.record("cut to \(end)")
                continue
            }
            #expect(reason.mayRepeat && reason.label == "reply_cut")
        }
        #expect(kind(200, whole) == "delivered")
        #expect(verdict(200, whole).ackID == 12)
    }

    @Test func `what a reply changes in the sink`() {
        #expect(verdict(400, #"{"text":"t","code":10}"#).change == .channel)
        #expect(verdict(400, #"{"text":"t","code":28}"#).change == .channel)
        #expect(verdict(403, #"{"text":"t","code":4}"#).change == .token)
        #expect(verdict(403, "<html>").change == .token)
        #expect(verdict(415, "<html>").change == .compression)
        #expect(verdict(200, #"{"text":"t","code":24}"#).change == .slower)
        var plain = sent
        plain.isCompressed = false
        #expect(Judged(verdict(415, "<html>", sent: plain).outcome).kind == "hold")
        var named = sent
        named.hasChannel = true
        #expect(Judged(verdict(400, #"{"text":"t","code":11}"#, sent: named).outcome).kind == "hold")
        #expect(verdict(400, #"{"text":"t","code":11}"#, sent: named).change == .channel)
    }

    @Test(
        arguments: [
            (HTTPFailure.Kind.resolve, .none, "retry", false, true), (.connect, .none, "retry", false, true),
            (.handshake, .none, "retry", false, true), (.untrusted, .none, "hold", false, false),
            (.refused, .none, "hold", false, false), (.certificateFile, .none, "hold", false, false),
            (.request, .none, "hold", false, false),
            (.timeout, .none, "retry", false, true), (.timeout, .part, "retry", false, true),
            (.timeout, .all, "retry", true, false), (.broken, .none, "retry", false, true),
            (.broken, .part, "retry", false, true), (.broken, .all, "retry", true, false),
            (.cancelled, .all, "retry", true, false), (.cancelled, .none, "retry", false, false),
        ] as [(HTTPFailure.Kind, HTTPFailure.SentBody, String, Bool, Bool)])
    func `a transfer that failed is tried again, and may repeat only if the whole body was out`(
        kind: HTTPFailure.Kind, body: HTTPFailure.SentBody, expected: String, mayRepeat: Bool, elsewhere: Bool
    ) throws {
        let verdict = HECVerdict(.failure(HTTPFailure(kind: kind, code: 7, text: "words", sentBody: body)), sent)
        #expect(Judged(verdict.outcome).kind == expected)
        #expect(verdict.isForAnotherEndpoint == elsewhere)
        switch verdict.outcome {
        case .retry(_, let reason), .hold(let reason): #expect(reason.mayRepeat == mayRepeat)
        default: Issue.record("\(verdict)")
        }
    }

    @Test func `a proxy that refuses is held`() {
        let failure = HTTPFailure(kind: .broken, text: "Received HTTP code 407 from proxy after CONNECT", status: 407)
        #expect(Judged(HECVerdict(.failure(failure), sent).outcome).kind == "hold")
    }

    @Test(
        arguments: [
            ("7", Duration.seconds(7)), ("0", nil), ("-3", nil), ("", nil), ("soon", nil), ("1e3", nil), ("1.5", nil),
            ("301", .seconds(300)), ("999999999", .seconds(300)), ("99999999999999999999999", nil),
            ("Tue, 14 Nov 2023 22:13:50 GMT", .seconds(30)), ("Tue, 14 Nov 2023 23:59:59 GMT", .seconds(300)),
            ("Tue, 14 Nov 2023 22:13:10 GMT", nil), ("Tue, 14 Nov 2023", nil), ("Tue, 99 Foo 2023 22:13:50 GMT", nil),
        ] as [(String, Duration?)])
    func `Retry-After is honoured up to five minutes and otherwise ignored`(text: String, expected: Duration?) {
        for (status, body) in [(503, "<html>"), (429, #"{"text":"t","code":26}"#)] {
            guard case .retry(let after, _) = verdict(status, body, retryAfter: text).outcome else {
                Issue.record("\(status)")
                continue
            }
            #expect(after == expected)
        }
    }

    @Test func `a reason names place, status, code, Splunk's words and the next step, bounded and printable`() {
        guard case .hold(let web) = verdict(303, "").outcome,
            case .hold(let token) = verdict(403, #"{"text":"Invalid token","code":4}"#).outcome
        else {
            Issue.record("not held")
            return
        }
        #expect(
            web.text
                == "https://splunk:8088 answered 303 with an empty body: this looks like Splunk Web; the HTTP Event Collector is usually on port 8088"
        )
        #expect(web.label == "http_303")
        #expect(
            token.text
                == "https://splunk:8088 answered 403 code 4 (Invalid token): put a valid token in place; it is read again by itself"
        )
        #expect(token.label == "hec_4")
        let nasty = "<html>\u{1b}[31m\u{202e}line\r\nfeed\t" + String(repeating: "é\u{1F600}", count: 5000)
        guard case .retry(_, let reason) = verdict(502, nasty).outcome else {
            Issue.record("not tried again")
            return
        }
        #expect(reason.text.utf8.count < 300)
        #expect(!reason.text.unicodeScalars.contains { $0.properties.generalCategory == .control || $0 == "\u{202e}" })
    }

    @Test(arguments: [
        "{\"a\":", "{", "[1,", "\"abc", "tru", "{\"a\":1", "{\"a\"",
    ])
    func `JSON that breaks off is told from what is no JSON`(text: String) {
        #expect(HECJSON.parse(Array(text.utf8)) == .cut)
    }

    @Test(arguments: ["{]", "{a:1}", "[1 2]", "tree", "{\"a\":1}}", "01x", "\"a\nb\"", "+1", "{,}", "{\"a\":1,}"])
    func `what is no JSON is invalid`(text: String) {
        #expect(HECJSON.parse(Array((text + " ").utf8)) == .invalid)
    }

    @Test func `a reply nested without end is refused, not followed`() {
        #expect(HECJSON.parse([UInt8](repeating: UInt8(ascii: "["), count: 60_000)) == .invalid)
    }
}
