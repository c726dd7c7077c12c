import ConnlogTools
import Testing

/// An answer that is cut at a limit says so.
@Suite struct RowLimitTests {
    private func isReached(_ limit: Int, csv: Bool, _ text: String, pieces: Int) -> Bool {
        var rows = RowLimit(limit, isCSV: csv)
        let bytes = Array(text.utf8)
        for start in stride(from: 0, to: bytes.count, by: pieces) {
            rows.take(Array(bytes[start..<min(bytes.count, start + pieces)]))
        }
        return rows.isReached
    }

    @Test(arguments: [1, 2, 3, 100], [1, 3, 1000])
    func `it is reached with as many rows, in every format and whatever the pieces`(limit: Int, pieces: Int) {
        for count in [limit - 1, limit, limit + 1] {
            let lines = String(repeating: "a \" b\n", count: count)
            let table = "id,text\r\n" + String(repeating: "\"1\",\"two\r\nlines \"\"\r\n\"\r\n", count: count)
            #expect(isReached(limit, csv: false, lines, pieces: pieces) == (count >= limit))
            #expect(isReached(limit, csv: true, table, pieces: pieces) == (count >= limit))
        }
        #expect(!isReached(0, csv: false, "a\nb\n", pieces: pieces))
        #expect(!isReached(1, csv: false, "", pieces: 1) && !isReached(1, csv: true, "id\r\n", pieces: 1))
    }

    @Test func `what is left out is counted as far as the server counts`() {
        let rows = RowLimit(100, isCSV: false)
        func words(_ count: Int, isEmpty: Bool = false, limit: Int = 100, cap: Int = 2000) -> String? {
            let list = isEmpty ? "[]" : #"[{"id":"x","a":[{}]}]"#
            let text = #"{"connection_logs":\#(list),"count":\#(count),"count_cap":\#(cap),"next":"1.2.3"}"# + "\n"
            return RowLimit(limit, isCSV: false).words(Array(text.utf8))
        }
        #expect(words(100, isEmpty: true) == nil)
        #expect(words(101) == "100 of 101 connections; --limit 0 for all")
        #expect(words(2000) == "100 of 2,000 connections; --limit 0 for all")
        #expect(words(2001) == "100 of more than 2,000 connections; --limit 0 for all")
        #expect(words(2001, limit: 5000) == "5,000 of more than 5,000 connections; --limit 0 for all")
        #expect(words(68_646, cap: 0) == "100 of 68,646 connections; --limit 0 for all")
        #expect(words(2001, isEmpty: true, limit: 5000) == nil)
        let unknown = "100 connections, perhaps of more; --limit 0 for all"
        for answer in [nil, "", "{}", "[]", "{", "<html>", #"{"connection_logs":[]}"#] {
            #expect(rows.words(answer.map { Array($0.utf8) }) == unknown)
        }
    }
}
