import Foundation
import ConnlogCore
import ConnlogSystem
import Testing

@Suite struct HumanEncoderTests {
    /// The event of a human vector as the JSON sink would have written it: H3 is J1; the others are J lines with these
    /// texts replaced.
    private static let owner =
        "\"OrganizationID\":\"1a2bb67e-0117-4168-92e0-58138989a7f5\",\"WorkspaceOwnerID\":\"fe8f4bab-3128-41f1-8fec-1cc0755affe5\",\"WorkspaceID\":\"05567e23-31e2-4c00-bd05-4d499d437347\",\"WorkspaceName\":\"dev\",\"AgentName\":\"main\""

    private static func entry(_ ts: String, _ fields: String, trace: String = "") -> String {
        "{\"ts\":\"\(ts)\",\"level\":\"INFO\",\"msg\":\"connection_log\",\"caller\":\"/x/slog.go:38\",\"func\":\"f\",\"logger_names\":[\"coderd\"],\(trace)\"fields\":{\(fields)}}"
    }

    private static let json: [Int: String] = [
        3: Vectors.json[0],
        4: entry(
            "2026-03-03T05:12:02.5Z",
            "\"request_id\":\"916ad077-e120-4861-8640-f449d56d2bae\",\"ID\":\"a0000000-0000-4000-8000-000000000003\",\(owner),\"Type\":\"ssh\",\"Code\":500,\"Ip\":\"127.0.0.1\",\"UserAgent\":\"\",\"UserID\":null,\"SlugOrPort\":\"\",\"ConnectionID\":\"c0000000-0000-4000-8000-000000000003\",\"DisconnectReason\":\"because error says so\",\"Time\":\"2026-03-03T05:12:02.4Z\",\"ConnectionStatus\":\"disconnected\""
        ),
        5: entry(
            "2026-03-03T07:00:00Z",
            "\"request_id\":\"a0000000-0000-4000-8000-000000000109\",\"ID\":\"a0000000-0000-4000-8000-000000000009\",\(owner),\"Type\":\"workspace_app\",\"Code\":404,\"Ip\":\"\\u003cnil\\u003e\",\"UserAgent\":\"agent=x\",\"UserID\":null,\"SlugOrPort\":\"code-server\",\"ConnectionID\":null,\"DisconnectReason\":\"\",\"Time\":\"2026-03-03T06:59:59.9Z\",\"ConnectionStatus\":\"connected\""
        ),
        6: entry(
            "2026-03-03T07:10:00Z",
            "\"request_id\":\"a0000000-0000-4000-8000-000000000123\",\"ID\":\"a0000000-0000-4000-8000-000000000023\",\(owner),\"Type\":\"ssh\",\"Code\":1,\"Ip\":\"fd7a:115c:a1e0:4b86:9046:80e:6c70:33b7\",\"UserAgent\":\"\",\"UserID\":null,\"SlugOrPort\":\"\",\"ConnectionID\":\"c0000000-0000-4000-8000-000000000023\",\"DisconnectReason\":\"ssh: handshake failed\\nread tcp: reset\",\"Time\":\"2026-03-03T07:09:59.9Z\",\"ConnectionStatus\":\"disconnected\""
        ),
        7: entry(
            "2026-03-03T07:05:00Z",
            "\"request_id\":\"a0000000-0000-4000-8000-000000000122\",\"ID\":\"a0000000-0000-4000-8000-000000000022\",\(owner),\"Type\":\"port_forwarding\",\"Code\":200,\"Ip\":\"203.0.113.7\",\"UserAgent\":\"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/100.0.4896.127 Safari/537.36\",\"UserID\":\"6dea5f8c-ecec-4cf0-a5bd-bc2c63af2efa\",\"SlugOrPort\":\"8080\",\"ConnectionID\":null,\"DisconnectReason\":\"\",\"Time\":\"2026-03-03T07:04:59.5Z\",\"ConnectionStatus\":\"connected\""
                .replacingOccurrences(
                    of: owner,
                    with: owner.replacingOccurrences(
                        of: "1a2bb67e-0117-4168-92e0-58138989a7f5", with: "0665a54f-0b77-4a58-94aa-59646fa38a74"
                    )
                    .replacingOccurrences(
                        of: "fe8f4bab-3128-41f1-8fec-1cc0755affe5", with: "6dea5f8c-ecec-4cf0-a5bd-bc2c63af2efa"
                    )
                    .replacingOccurrences(
                        of: "05567e23-31e2-4c00-bd05-4d499d437347", with: "3c0b37c8-e58c-4980-b9a1-2732410480a5")),
            trace: "\"trace\":\"4bf92f3577b34da6a3ce929d0e0e4736\",\"span\":\"00f067aa0ba902b7\","),
        8: entry(
            "2026-03-03T07:11:00Z",
            "\"request_id\":\"a0000000-0000-4000-8000-000000000124\",\"ID\":\"a0000000-0000-4000-8000-000000000024\",\(owner),\"Type\":\"vscode\",\"Code\":0,\"Ip\":\"fd7a:115c:a1e0:4b86:9046:80e:6c70:33b7\",\"UserAgent\":\"probe \\\"q\\\" \\\\x\",\"UserID\":null,\"SlugOrPort\":\"\",\"ConnectionID\":\"c0000000-0000-4000-8000-000000000024\",\"DisconnectReason\":\"服务器关闭\",\"Time\":\"2026-03-03T07:10:59.9Z\",\"ConnectionStatus\":\"disconnected\""
        ),
    ]

    @Test(arguments: 3...8)
    func `the golden human entries come out byte for byte`(number: Int) throws {
        let encoder = HumanEncoder(number == 3 ? .rfc3339 : .goString)
        #expect(encoder.text(try #require(Self.json[number])) == Vectors.human[number - 1])
    }

    private func line(_ fields: [(String, String)]) -> String {
        let encoder = HumanEncoder()
        return String(
            encoder.text(record(fields))?.dropFirst("2026-03-03 07:00:00.000 [info]  coderd: connection_log".count)
                ?? "")
    }

    @Test(arguments: [
        ("\"\"", "\"\""), ("\"a\"", "a"), ("\"a=b\"", "a=b"), ("\"a b\"", "\"a b\""), ("\"a\\tb\"", "\"a\\tb\""),
        ("\"\\u0007\\b\\f\\r\\u000b\"", "\"\\a\\b\\f\\r\\v\""), ("\"\\u0000\\u001b\u{7f}\"", "\"\\x00\\x1b\\x7f\""),
        ("\"a\u{a0}b\"", "\"a\\u00a0b\""), ("\"\u{3000}\"", "\"\\u3000\""), ("\"\u{200b}\"", "\"\\u200b\""),
        ("\"\u{e0001}\"", "\"\\U000e0001\""), ("\"\u{feff}\"", "\"\\ufeff\""), ("\"😀é\"", "😀é"),
        ("\"\\ufffd\"", "\u{fffd}"),
        ("\"\\ud800\"", "\u{fffd}"), ("\"\\u003cnil\\u003e\"", "<nil>"), ("null", "<nil>"), ("true", "true"),
        ("-1.5e3", "-1.5e3"),
        ("{\"a\": [1, \"x y\"]}", "{\"a\": [1, \"x y\"]}"), ("\"a\\n\"", "\"a\\n\""),
    ])
    func `values are quoted as Go quotes them, and only then`(json: String, expected: String) {
        #expect(line([("k", json)]) == "  k=\(expected)")
    }

    @Test(arguments: [
        ("2025-07-03T06:57:16.144719Z", "\"2025-07-03 06:57:16.144719 +0000 UTC\""),
        ("2025-07-03T06:57:16Z", "\"2025-07-03 06:57:16 +0000 UTC\""),
        ("2025-07-03T06:57:16.100Z", "\"2025-07-03 06:57:16.1 +0000 UTC\""),
        ("2025-07-03T06:57:16.000Z", "\"2025-07-03 06:57:16 +0000 UTC\""),
        ("2025-07-03T06:57:16.5-07:00", "\"2025-07-03 06:57:16.5 -0700 -0700\""),
        ("0001-01-01T00:00:00Z", "\"0001-01-01 00:00:00 +0000 UTC\""), ("yesterday", "yesterday"), ("", "\"\""),
    ])
    func `the field Time is written as Go prints a time`(time: String, expected: String) {
        #expect(line([("Time", quoted(time))]) == "  Time=\(expected)")
    }

    @Test func `keys have no blanks, and unknown fields keep their place`() {
        #expect(line([("z", "1"), ("a key", "2"), ("k\"", "3"), ("a", "4")]) == "  z=1  a_key=2  \"k\\\"\"=3  a=4")
    }

    @Test func `only the first text of several lines leaves the line, and empty lines stay short`() {
        let fields = [("a", "\"1\\n2\""), ("b", "\"\\n 3\\n\\n4\\n\""), ("c", "5")]
        #expect(line(fields) == "  b=\"\\n 3\\n\\n4\\n\"  c=5 ...\n    a= 1\n       2")
        #expect(line(Array(fields.dropFirst())) == "  c=5 ...\n    b= 3\n    \n       4")
    }

    @Test func `levels and logger names are as slog writes them`() {
        let encoder = HumanEncoder()
        for (level, short) in [
            ("DEBUG", "debu"), ("WARN", "warn"), ("ERROR", "erro"), ("CRITICAL", "crit"), ("FATAL", "fata"),
            ("x", "unkn"),
        ] {
            let line =
                "{\"ts\":\"2026-01-02T03:04:05.6789Z\",\"level\":\"\(level)\",\"msg\":\"connection_log\",\"logger_names\":[\"a\",\"b c\"],\"fields\":{}}"
            #expect(encoder.text(line) == "2026-01-02 03:04:05.678 [\(short)]  a.b_c: connection_log")
        }
    }
}
