import ConnlogConfig
import ConnlogCore
import ConnlogSystem
import ConnlogTestSupport
import Foundation
import Synchronization
import Testing

@testable import ConnlogCoder

/// Bounds of what one look at Coder's table takes, below, at and above; and answers that would break them.
@Suite(.timeLimit(.minutes(10))) struct TableBoundsTests {
    @Test(
        arguments: [
            (4, 3, 100, nil), (4, 1, 100, nil), (4, 0, 160, 60), (4, 0, 142, 42), (4, 0, 101, 1), (4, 0, 100, 1),
            (5, 1, 90, 1),
            (.max, 0, .max, 60), (.max, .max, .max, nil), (.min, .min, .min, nil), (.max, .min, .min, 1),
            (1_000_000_000, 249_999_999, .max, 60), (1_000_000_000, 250_000_000, .max, nil), (0, 0, 0, nil),
            (-5, -9, 0, nil),
        ] as [(Int, Int, Int64, Int?)])
    func `whatever Coder says of its limits, the wait is a second to a minute`(
        limit: Int, remaining: Int, reset: Int64, seconds: Int?
    ) {
        let rate = HTTPRateLimit(limit: limit, remaining: remaining, reset: reset)
        for now in [Int64(100) * 1_000_000_000] {
            #expect(TableQuestions.wait(rate, now: now) == seconds.map { .seconds($0) })
        }
        // A clock before 1970 and one of the far future.
        for now in [Int64.min, .max] {
            let wait = TableQuestions.wait(rate, now: now)
            #expect(wait.map { $0 >= .seconds(1) && $0 <= .seconds(60) } ?? true)
        }
    }

    @Test(arguments: [
        "9223372036854775807", "-9223372036854775808", "99999999999999999999", "1e9", "", "-1", "2", "\u{7f}",
    ])
    func `hostile rate limit headers stop nothing`(value: String) async throws {
        let bench = try TableBench {
            $0.add(TableBench.row(1, ago: 60, lasts: 1))
            $0.rateHeaders = [
                ("X-RateLimit-Limit", "9223372036854775807"), ("X-RateLimit-Remaining", value),
                ("X-RateLimit-Reset", value),
            ]
        }
        try await bench.pollAll()
        #expect(bench.ids == bench.expected(bench.table))
    }

    @Test(arguments: [99, 100, 101, 300])
    func `five minutes with more rows than the requests of one look bring are read to their end`(size: Int) async throws
    {
        let bench = try TableBench {
            for number in 0..<size { $0.add(TableBench.row(number, ago: 290 - Double(number) / 2, lasts: 1)) }
            $0.pageMax = 10
        }
        bench.settings.limits.windowRows = 30
        bench.settings.limits.recentRequests = 10
        let reader = bench.makeReader()
        var looks = 1
        while try await reader.poll() {
            looks += 1
            try #require(looks < 200, "it does not come to an end")
        }
        #expect(bench.ids == bench.expected(bench.table))
        #expect(size < 300 || looks > 5)
        // The next look begins before the mark again.
        let passed = Double(bench.clock.table.since(TableBench.start)) / 1e6
        bench.change { $0.add(TableBench.row(5000, ago: 250 - passed, lasts: 1)) }
        while try await reader.poll() { looks += 1 }
        #expect(bench.ids == bench.expected(bench.table))
    }

    @Test(arguments: [29, 30, 31, 90], [1, 7, 30])
    func `a window of more rows than windowRows is divided, also within one microsecond`(
        size: Int, times: Int
    ) async throws {
        let bench = try TableBench {
            for number in 0..<size {
                $0.add(TableBench.row(number, ago: 60 + Double(number % times) / 1_000_000, lasts: 1))
            }
            $0.pageMax = 7
        }
        bench.settings.limits.windowRows = 30
        try await bench.pollAll()
        #expect(bench.ids == bench.expected(bench.table))
    }

    @Test func `a window whose texts are too long for memory is divided`() async throws {
        let bench = try TableBench {
            for number in 0..<40 {
                var row = TableBench.row(number, ago: Double(number), lasts: 1)
                row.reason = String(repeating: "r", count: 30_000)
                $0.add(row)
            }
            $0.pageMax = 4
        }
        bench.settings.limits.windowBytes = 200_000
        try await bench.pollAll()
        #expect(bench.ids == bench.expected(bench.table))
    }

    @Test(arguments: [(99, false, true), (100, false, true), (101, true, true), (130, true, false)])
    func `of one microsecond so many rows are read, and what is beyond is told`(
        size: Int, isTold: Bool, isWhole: Bool
    ) async throws {
        let bench = try TableBench {
            for number in 0..<size { $0.add(TableBench.row(number, ago: 60)) }
            $0.add(TableBench.row(1000, ago: 61))
            $0.pageMax = 20
        }
        bench.settings.limits.walk.rowsInside = 100
        try await bench.pollAll()
        #expect((bench.ids == bench.expected(bench.table)) == isWhole)
        #expect(bench.ids[TableBench.id(1000)] == 1)
        #expect(bench.said.all.contains { $0.contains("more than 100 rows of one microsecond") } == isTold)
    }

    @Test func `a Coder that makes up rows of one microsecond for ever is left after a bound`() async throws {
        let bench = try TableBench {
            $0.forge = { page, terms in
                let before = terms["connected_before"].flatMap { TableTime($0.uppercased()) } ?? TableBench.start
                let after = terms["connected_after"].flatMap { TableTime($0.uppercased()) } ?? .first
                let time = TableTime(microseconds: TableBench.start.microseconds - 5_000_000)
                guard after <= time, time <= before else { return [] }
                return (0..<50).map { TableBench.row(page * 50 + $0, ago: 5) }
            }
            $0.ignoresOffset = true
        }
        bench.settings.limits.walk.rowsInside = 1000
        bench.settings.limits.recentRequests = 400
        let reader = bench.makeReader()
        _ = try await reader.poll()
        #expect(bench.server.requests.count < 3000)
        #expect(bench.said.all.contains { $0.contains("of one microsecond") })
    }

    @Test func `pages that bring nothing new, or never end, are no answer of Coder's`() async throws {
        // The same row, a microsecond earlier each time.
        let bench = try TableBench {
            $0.forge = { _, terms in
                let before = terms["connected_before"].flatMap { TableTime($0.uppercased()) } ?? TableBench.start
                var row = TableBench.row(1, ago: 0)
                row.connect = before.microseconds - 1
                return [row]
            }
            $0.countLie = 1_000_000
        }
        let error = await #expect(throws: CoderTrouble.self) {
            _ = try await bench.questions.each(from: .first, to: TableBench.start) { _ in true }
        }
        #expect(error?.description.contains("without an end") == true)
        #expect(bench.server.requests.count < 200)
        // Another row each time.
        bench.change {
            $0.forge = { page, terms in
                let before = terms["connected_before"].flatMap { TableTime($0.uppercased()) } ?? TableBench.start
                var row = TableBench.row(page, ago: 0)
                row.connect = before.microseconds - 1
                return [row]
            }
        }
        var walk = TableWalk(after: .first, before: TableBench.start, limits: .init(pages: 30))
        let questions = bench.questions
        var rows = 0
        await #expect(throws: CoderTrouble.self) {
            while let more = try await walk.next(questions) { rows += more.count }
        }
        #expect(rows == 30)
    }

    @Test(arguments: [9, 10, 11])
    func `connections that ended are asked for one by one, so many in one look, and the others later`(
        size: Int
    ) async throws {
        let bench = try TableBench { for number in 0..<size { $0.add(TableBench.row(number, ago: 5000)) } }
        bench.settings.limits.lookUps = 10
        try await bench.poll()
        bench.change { for id in $0.rows.keys { $0.rows[id]?.end = TableBench.start.microseconds } }
        // Those that are open are looked at each second interval.
        for _ in 0..<2 { try await bench.poll() }
        #expect(bench.queue.lines.count == size + min(size, 10))
        try await bench.pollAll()
        #expect(bench.ids == bench.expected(bench.table))
    }

    @Test func `connections of which no answer tells anything keep no other from being asked for`() async throws {
        let bench = try TableBench {
            // An agent gives one id to more than a page of connections.
            for number in 0..<TableQuestions.pageSize + 20 {
                var row = TableBench.row(
                    number, ago: 5000 + Double(number), lasts: number < TableQuestions.pageSize + 3 ? 1 : nil)
                row.connection = TableBench.id(7, 7)
                $0.add(row)
            }
            $0.add(TableBench.row(9000, ago: 4000))
        }
        bench.settings.limits.lookUps = 2
        try await bench.poll()
        bench.change {
            // They moved, and nobody finds them where they were.
            for id in $0.rows.keys where $0.rows[id]?.end == nil && id != TableBench.id(9000) {
                $0.rows[id]?.connect -= 500_000_000
                $0.rows[id]?.end = TableBench.start.microseconds
            }
            $0.rows[TableBench.id(9000)]?.end = TableBench.start.microseconds
        }
        let end = try #require(RowID(TableBench.id(9000))?.named("disconnected").text)
        for _ in 0..<40 where bench.ids[end] == nil { try await bench.poll() }
        #expect(bench.ids[end] == 1)
    }

    @Test func `times of a damaged checkpoint lie in what is read`() {
        for (word, expected) in [
            (Int64.min, TableTime.first), (-1, .first), (0, .first), (TableTime.last.microseconds, .last),
            (TableTime.last.microseconds + 1, .last), (.max, .last), (77, TableTime(microseconds: 77)),
        ] {
            let bytes = TableTime(microseconds: word).bytes
            #expect(TableTime(bytes: bytes) == expected)
            let memory = TableMemory(["place": [1] + bytes + bytes + bytes])
            #expect(memory.mark == expected && memory.mark.since(memory.edge) == 0)
        }
    }

    @Test(arguments: [-1, 0, 1]) func `an answer of answerBytesMax is taken, and a byte more is none`(over: Int)
        async throws
    {
        #expect(CoderAPI.answerBytesMax == 64 << 20)
        let most = 100_000
        let body = "[\"" + String(repeating: "a", count: most - 4 + over) + "\"]"
        let server = try HTTPServer { _ in .reply(status: 200, body: body) }
        defer { server.stop() }
        let api = CoderAPI(
            url: server.url, token: SecretReference(literal: "t"), http: HTTPSettings(userAgent: "connlog/test"),
            bytesMax: most)
        if over <= 0 {
            #expect(try await api.get("x", "things").array?.count == 1)
            return
        }
        let error = await #expect(throws: CoderTrouble.self) { try await api.get("x", "things") }
        #expect(error?.description.contains("more than") == true && error?.kind == .strange)
    }
}
