import ConnlogSystem
import Foundation
import Testing

@testable import ConnlogCore

@Suite struct DecodeHumanTests {
    private static let head = "2025-07-03 06:57:16.157 [info]  coderd: connection_log"

    private func record(_ fields: String) -> String? {
        DecodeRun(DecodeHumanTests.head + "  " + fields + "\n").records.first
    }

    private func fields(_ text: String) -> String? {
        let start =
            #"{"ts":"2025-07-03T06:57:16.157Z","level":"INFO","msg":"connection_log","logger_names":["coderd"],"fields":{"#
        guard let record = record(text), record.hasPrefix(start) else { return nil }
        return String(record.dropFirst(start.count).dropLast(2))
    }

    @Test(
        arguments: [
            ("a=b", #""a":"b""#), ("a=b  c=d", #""a":"b","c":"d""#), ("a=b c=d", #""a":"b","c":"d""#),
            (#"a="b c""#, #""a":"b c""#),
            (#"a="""#, #""a":"""#), ("a=", #""a":"""#), ("a==b=c", #""a":"=b=c""#), (#""a b"=c"#, #""a b":"c""#),
            (#"space_in_my_key="value in my value""#, #""space_in_my_key":"value in my value""#),
            (#"a="\x41\101\u00e9\U0001f600\a\v\n\t\r\f\b\\\"""#, "\"a\":\"AAé😀\\u0007\\u000b\\n\\t\\r\\f\\b\\\\\\\"\""),
            (#"a="\xff""#, #""a":"\ufffd""#), ("Code=<nil>", #""Code":null"#), ("Code=0", #""Code":0"#),
            ("Code=-1", #""Code":-1"#),
            ("Code=007", #""Code":"007""#), (#"Code="{Int32:200 Valid:true}""#, #""Code":"{Int32:200 Valid:true}""#),
            ("Code={Int32:200 Valid:true}  a=b", #""Code":"{Int32:200 Valid:true}","a":"b""#),
            (#"a={"k":"v w}","n":[1, 2]} b=c"#, #""a":"{\"k\":\"v w}\",\"n\":[1, 2]}","b":"c""#),
            ("a={b c=d", #""a":"{b","c":"d""#),
            ("UserID=<nil>  ConnectionID=<nil>", #""UserID":null,"ConnectionID":null"#),
            ("Ip=<nil>", #""Ip":"\u003cnil\u003e""#),
            ("n=12 t=true", #""n":"12","t":"true""#), (#"Time="soon""#, #""Time":"soon""#),
            (#"Time="2025-07-03 08:57:16.5 +0200 CEST""#, #""Time":"2025-07-03T06:57:16.5Z""#),
            ("trace=aa  span=bb  c=d", nil), ("a=1  trace=x", #""a":"1","trace":"x""#),
        ] as [(String, String?)])
    func `fields become what the JSON sink would have written`(text: String, expected: String?) {
        #expect(fields(text) == expected)
    }

    @Test(arguments: ["a", #"a="b"#, #"a="b"c"#, #"a="\q""#, "=b c", #""a=b"#])
    func `fields that cannot be told apart are malformed or no event, never guessed`(text: String) {
        let run = DecodeRun(DecodeHumanTests.head + "  x=y  " + text + "\n")
        #expect(run.records.isEmpty || text == "=b c")
        #expect(run.counts.malformed == [.badHumanLine: 1] || text == "=b c")
    }

    @Test func `levels, names, prefixes and colours`() {
        for (short, long) in [
            ("debu", "DEBUG"), ("info", "INFO"), ("warn", "WARN"), ("erro", "ERROR"), ("crit", "CRITICAL"),
            ("fata", "FATAL"),
        ] {
            let run = DecodeRun("2025-07-03 06:57:16.500 [\(short)]  connection_log  a=b\n")
            #expect(
                run.records == [
                    #"{"ts":"2025-07-03T06:57:16.5Z","level":"\#(long)","msg":"connection_log","fields":{"a":"b"}}"#
                ])
        }
        let named = DecodeRun("[API] 2025-07-03 06:57:16.000 [info] coderd.audit: connection_log a=b\n")
        #expect(
            named.records == [
                #"{"ts":"2025-07-03T06:57:16Z","level":"INFO","msg":"connection_log","logger_names":["coderd","audit"],"fields":{"a":"b"}}"#
            ])
        let coloured =
            "\u{1b}[90m2025-07-03 06:57:16.157\u{1b}[0m \u{1b}[94m[info]\u{1b}[0m  coderd: connection_log  \u{1b}[36ma\u{1b}[0m\u{1b}[2m=\u{1b}[0mb ...\n"
            + "    \u{1b}[36mr\u{1b}[0m= one\n       two\n"
        #expect(
            DecodeRun(coloured).records == [
                (record("a=b") ?? "").replacingOccurrences(of: #""b"}}"#, with: #""b","r":"one\ntwo"}}"#)
            ])
    }

    @Test(arguments: [
        "2025-07-03 06:57:16.157 [info]  coderd: connection_log_writer started  a=b",
        "2025-07-03 06:57:16.157 [info]  coderd: connection_log flush failed  a=b",
        "2025-07-03 06:57:16.157 [info]  coderd: audit: connection_log  a=b",
        "2025-07-03 06:57:16.157 [info]  not a connection_log  a=b",
        "2025-07-03 06:57:16.157 [what]  coderd: connection_log  a=b",
        "2025-13-03 06:57:16.157 [info]  coderd: connection_log  a=b",
        "2025-07-03 06:57:16.157 [info]  coderd: x  msg=connection_log", "connection_log", "connection_log  a=b",
        "2020-01-01 00:00:00.000\tINFO\t(coderd)\t<a.go:1>\tf\tconnection_log\t{\"a\": 1}",
    ])
    func `a line with another message is another line`(line: String) {
        let run = DecodeRun(line + "\n")
        #expect(run.counts.other == 1)
        #expect(run.records.isEmpty)
        #expect(run.counts.malformed.isEmpty)
    }

    @Test func `a value of several lines keeps its own indentation and blank lines`() {
        let text =
            DecodeHumanTests.head
            + "  a=b ...\n    DisconnectReason= first\n                        indented\n\n                      last\n"
            + Vectors.json[0] + "\n"
        let run = DecodeRun(text)
        #expect(run.records.count == 2)
        #expect(run.records.first?.contains(#""DisconnectReason":"first\n  indented\n\nlast"}}"#) == true)
    }

    @Test func `a block whose lines carry the prefix of a development runner is read too`() {
        let text = "[API] " + DecodeHumanTests.head + "  a=b ...\n[API]     r= one\n[API]        two\n"
        #expect(DecodeRun(text).records.first?.hasSuffix(#""fields":{"a":"b","r":"one\ntwo"}}"#) == true)
    }

    @Test func `an entry that promises a block and has none is an event without it`() {
        let run = DecodeRun(DecodeHumanTests.head + "  a=b ...\n" + Vectors.json[0] + "\n")
        #expect(run.records == [record("a=b") ?? "", Vectors.json[0]])
    }

    @Test func `of a block that grows beyond the limit the event keeps the beginning`() {
        let lines = String(repeating: "    more and more and more\n", count: 100)
        let run = DecodeRun(
            DecodeHumanTests.head + "  a=b ...\n    r= one\n" + lines + Vectors.json[0] + "\n", maxLine: 1000)
        #expect(run.records.count == 2)
        #expect(run.records.first?.contains(#""r":"one\nmore and more"#) == true)
        #expect(run.records.first?.hasSuffix(#"","truncated":true}}"#) == true)
        #expect(run.records.allSatisfy { $0.utf8.count <= 1000 })
        #expect(run.records.last == Vectors.json[0])
        #expect(run.counts.truncated == 1)
        #expect(run.counts.tooLong == 0)
    }

    @Test func `an event without fields is one`() {
        #expect(
            DecodeRun(DecodeHumanTests.head + "\n").records == [
                #"{"ts":"2025-07-03T06:57:16.157Z","level":"INFO","msg":"connection_log","logger_names":["coderd"],"fields":{}}"#
            ])
    }
}
