import ConnlogCore
import ConnlogTools
import ConnlogTestSupport
import Testing

/// What a server says, in words for whoever asked.
@Suite struct AnswerTests {
    @Test func `a query that is wrong is shown with a caret, and is a usage mistake`() {
        let body =
            #"{"message":"Invalid query.","validations":[{"field":"code","detail":"'lots' is not a code","start":9,"end":18},{"field":"x","detail":"second {","start":0,"end":2},{"field":"q","detail":"no place"}]}"#
        let error = ServerMistake(status: 400, body: Array(body.utf8)).error("http://h:1", query: "type:ssh code:lots")
        #expect(error.status == .usage)
        let expected = """
            'lots' is not a code
                type:ssh code:lots
                         ^
            second {
                type:ssh code:lots
                ^
            no place
            """
        #expect(error.description == expected)
    }

    @Test func `a wrong token is a sentence, and other answers are words, never JSON`() {
        for status in [401, 403, 404, 500, 503] {
            let body = #"{"message":"You must.","detail":"Do it."}"# + "\n"
            let error = ServerMistake(status: status, body: Array(body.utf8)).error("http://h:1", query: "")
            #expect(error.status == (status < 404 ? .usage : .failed))
            #expect(!error.description.contains("{") && error.description.contains("http://h:1"))
        }
        for body in ["", "<html>", "{", "{}", "{\"validations\":[{\"detail\":", "{\"validations\":[{}]}", "[1]"] {
            _ = ServerMistake(status: 400, body: Array(body.utf8)).error("h", query: "x")
        }
    }

    @Test(arguments: [1, 2, 7, 1000]) func `a store that begins anew is no event of a watch, whatever the pieces`(
        size: Int
    ) {
        let text = """
            retry: 2000

            id: 7
            event: connection
            data: event: restart

            : nothing new

            id: 0
            event: restart
            data: {"message":"x"}

            id: 1
            event: connection
            data: one


            """
        var events = WatchedEvents()
        var told: [WatchedEvents.Event] = []
        let bytes = Array(text.utf8)
        for start in stride(from: 0, to: bytes.count, by: size) {
            told += events.take(Array(bytes[start..<min(bytes.count, start + size)]))
            if told.count == 2 { #expect(events.last == "0" || events.last == "1") }
        }
        #expect(told.map(\.isRestart) == [false, true, false])
        #expect(told.map(\.data) == ["event: restart", #"{"message":"x"}"#, "one"])
        #expect(events.last == "1")
    }

    @Test(arguments: 0..<20 as Range<UInt64>) func `any bytes are some answer`(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let pieces = ["{", "}", "[", "]", "\"", "validations", "detail", "start", ":", ",", "1", "\\", "-9"]
        for _ in 0..<500 {
            let count = Int.random(in: 0...20, using: &generator)
            let text =
                "{\"validations\":[" + (0..<count).map { _ in pieces.randomElement(using: &generator) ?? "" }.joined()
                + "]}"
            _ = ServerMistake(status: 400, body: Array(text.utf8)).error("h", query: "type:x")
        }
    }

    @Test(arguments: [0, 1, 4095, 4096, 4097, 1 << 20]) func `an event of any size comes out of the stream whole`(
        size: Int
    ) {
        let long = String(repeating: "x", count: size)
        let text = "id: 1\ndata: \(long)\n\ndata: b\n\n"
        for step in [1000, 4096, 1 << 21] {
            var stream = ServerSentEvents()
            var lines: [String] = []
            var rest = Array(text.utf8)[...]
            while !rest.isEmpty {
                lines += stream.take(Array(rest.prefix(step)))
                rest = rest.dropFirst(step)
            }
            #expect(lines == ["id: 1", "data: \(long)", "", "data: b", ""])
        }
    }
}
