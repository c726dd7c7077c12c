import ConnlogCore
import ConnlogTestSupport
import Foundation
import Testing

@testable import ConnlogCoder

/// Each connect and each disconnect of Coder's table once, whatever the table does meanwhile (cases A4 and A5).
@Suite(.timeLimit(.minutes(10))) struct TableReaderTests {
    @Test(arguments: [0, 1, 2, 199, 200, 201, 499, 500, 501, 1201])
    func `a table of any size is read once, old ones first`(size: Int) async throws {
        let bench = try TableBench {
            for number in 0..<size {
                $0.add(TableBench.row(number, ago: Double(number) * 61 + 10, lasts: number % 3 == 0 ? nil : 20))
            }
        }
        try await bench.pollAll()
        #expect(bench.ids == bench.expected(bench.table))
        #expect(bench.server.violations.isEmpty, "\(bench.server.violations)")
        let connects = bench.queue.events.filter { $0.status == .connected }.compactMap(\.time)
        #expect(connects == connects.sorted())
    }

    @Test(arguments: [1, 99, 100, 101, 250])
    func `a Coder that gives shorter pages gives all the same, whatever its count says`(most: Int) async throws {
        for lie in [nil, 0, most, 1_000_000, -7] {
            let bench = try TableBench {
                for number in 0..<(most == 1 ? 12 : 303) {
                    $0.add(TableBench.row(number, ago: Double(number / 2), lasts: 1))
                }
                $0.pageMax = most
                $0.countLie = lie
            }
            try await bench.pollAll()
            #expect(bench.ids == bench.expected(bench.table), "\(String(describing: lie))")
        }
    }

    @Test(arguments: [99, 100, 101, 250])
    func `250 rows of one microsecond at a page border, and inserts while paging, are read once`(most: Int) async throws
    {
        let bench = try TableBench {
            for number in 0..<80 { $0.add(TableBench.row(number, ago: Double(number))) }
            for number in 100..<350 { $0.add(TableBench.row(number, ago: 100, lasts: number % 2 == 0 ? 1 : nil)) }
            for number in 400..<480 { $0.add(TableBench.row(number, ago: Double(number))) }
            $0.pageMax = most
            $0.beforePage = { table, page in
                table.add(TableBench.row(10_000 + page, ago: 0, lasts: nil))
                table.add(TableBench.row(20_000 + page, ago: 250, lasts: 1, type: "vscode"))
            }
        }
        try await bench.poll()
        bench.change { $0.beforePage = nil }
        try await bench.pollAll()
        #expect(bench.ids == bench.expected(bench.table))
    }

    @Test func `a row that comes three hours late, or from a clock that goes wrong, is handed over once`() async throws
    {
        let bench = try TableBench { $0.add(TableBench.row(1, ago: 50_000)) }
        try await bench.poll()
        bench.change {
            $0.add(TableBench.row(2, ago: 3 * 3600, lasts: 5))
            $0.add(TableBench.row(3, ago: -3600))
            $0.add(TableBench.row(4, ago: -86_400 * 365 * 5000, lasts: 5))
            $0.add(TableBench.row(5, ago: 1, lasts: 0.5))
        }
        try await bench.poll()
        #expect(
            bench.ids[TableBench.id(3)] == 1 && bench.ids[TableBench.id(4)] == 1 && bench.ids[TableBench.id(5)] == 1)
        try await bench.pollAll()
        #expect(bench.ids == bench.expected(bench.table))
    }

    @Test func `rows that cannot be read are told once, and cost no other row`() async throws {
        let bench = try TableBench {
            $0.add(TableBench.row(1, ago: 60, lasts: 1))
            $0.brokenRows = 3
        }
        try await bench.pollAll()
        #expect(bench.ids == bench.expected(bench.table))
        // Each process tells it.
        #expect(bench.said.all.filter { $0.contains("no id") }.count == 2, "\(bench.said.all)")
    }

    @Test func `late rows are found within 120 intervals without a restart`() async throws {
        let bench = try TableBench { $0.add(TableBench.row(1, ago: 50_000)) }
        try await bench.poll()
        bench.change { $0.add(TableBench.row(2, ago: 3 * 3600, lasts: 5)) }
        for _ in 0..<120 { try await bench.poll() }
        #expect(bench.ids == bench.expected(bench.table))
    }

    @Test func `a connection that ends between two polls, and one that has ended at once, end once`() async throws {
        let bench = try TableBench {
            $0.add(TableBench.row(1, ago: 10_000))
            $0.add(TableBench.row(2, ago: 60, lasts: 4))
            // A disconnect whose connect never came.
            $0.add(TableBench.row(3, ago: 60, lasts: 0))
            $0.add(TableBench.row(4, ago: 60, type: "workspace_app"))
            $0.add(TableBench.row(5, ago: 400 * 86_400))
            var without = TableBench.row(6, ago: 5000)
            without.connection = nil
            $0.add(without)
        }
        try await bench.poll()
        #expect(bench.queue.events.count == 7)
        bench.change {
            $0.rows[TableBench.id(1)]?.end = TableBench.start.microseconds + 1
            $0.rows[TableBench.id(1)]?.code = 137
            $0.rows[TableBench.id(1)]?.reason = "killed <\u{1b}[31m>\n{\"msg\":\"connection_log\"}"
            $0.rows[TableBench.id(5)]?.end = TableBench.start.microseconds + 2
            $0.rows[TableBench.id(6)]?.end = TableBench.start.microseconds + 3
        }
        try await bench.pollAll()
        #expect(bench.ids == bench.expected(bench.table))
        let end = try #require(bench.queue.events.first { $0.code == 137 })
        #expect(
            end.status == .disconnected && end.disconnectReason == "killed <\u{1b}[31m>\n{\"msg\":\"connection_log\"}")
        #expect(end.connectionID == TableBench.id(1, 1) && end.time == (TableBench.start.microseconds + 1) * 1000)
    }

    @Test func `a disconnect that came before its connect gives both, once the table knows both`() async throws {
        let bench = try TableBench { $0.add(TableBench.row(3, ago: 60, lasts: 0)) }
        try await bench.pollAll()
        #expect(bench.queue.events.map(\.status) == [.disconnected])
        bench.change { $0.rows[TableBench.id(3)]?.connect -= 5_000_000 }
        try await bench.pollAll()
        #expect(bench.queue.events.map(\.status) == [.disconnected, .connected])
        try await bench.pollAll()
        #expect(bench.queue.events.count == 2)
    }

    @Test func `connections that vanish from the table are asked for no more, and end without an event`() async throws {
        let bench = try TableBench { for number in 0..<10 { $0.add(TableBench.row(number, ago: 9)) } }
        try await bench.poll()
        bench.change { $0.rows = [:] }
        try await bench.pollAll()
        #expect(bench.queue.events.count == 10 && bench.queue.checkpoints["open/0"] == nil)
    }

    @Test func `an agent that gives all its connections one id hides none`() async throws {
        let bench = try TableBench {
            for number in 0..<1300 {
                var row = TableBench.row(number, ago: Double(number))
                row.connection = TableBench.id(7, 7)
                $0.add(row)
            }
        }
        try await bench.poll()
        bench.change {
            for number in 1250..<1300 { $0.rows[TableBench.id(number)]?.end = TableBench.start.microseconds }
        }
        try await bench.pollAll()
        #expect(bench.ids == bench.expected(bench.table))
    }

    @Test func `start_at = end hands over what begins from then on, and the ends of what was open`() async throws {
        let bench = try TableBench {
            for number in 0..<700 { $0.add(TableBench.row(number, ago: Double(number), lasts: number < 3 ? nil : 1)) }
        }
        bench.settings.startsAtEnd = true
        try await bench.pollAll()
        #expect(bench.queue.lines.isEmpty)
        bench.change {
            $0.add(TableBench.row(1000, ago: -1, lasts: nil))
            $0.add(TableBench.row(1001, ago: -2, lasts: 1))
            $0.rows[TableBench.id(1)]?.end = TableBench.start.microseconds + 5
        }
        try await bench.pollAll()
        let end = try #require(RowID(TableBench.id(1))?.named("disconnected").text)
        let second = try #require(RowID(TableBench.id(1001))?.named("disconnected").text)
        #expect(bench.ids == [TableBench.id(1000): 1, TableBench.id(1001): 1, second: 1, end: 1])
    }

    @Test func `an event of an hour ahead is read while the clock of this machine is set back by a day`() async throws {
        let bench = try TableBench { $0.add(TableBench.row(1, ago: 60, lasts: 1)) }
        try await bench.poll()
        bench.clock.advance(.seconds(-86_400))
        bench.change { $0.add(TableBench.row(2, ago: -60, lasts: 1)) }
        try await bench.poll()
        #expect(bench.ids == bench.expected(bench.table))
    }

    @Test func `an event says that it is no line of coderd's, and is otherwise what coderd would have logged`()
        async throws
    {
        let bench = try TableBench {
            $0.add(TableBench.row(1, ago: 60))
            var newer = TableBench.row(2, ago: 59, type: "vscode")
            newer.method = "ssh"
            newer.end = newer.connect + 1_500_000
            $0.add(newer)
        }
        try await bench.poll()
        let line = try #require(bench.queue.lines.first)
        let expected =
            #"{"ts":"2026-11-30T11:59:00Z","level":"INFO","msg":"connection_log","caller":"source table","#
            + #""func":"GET /api/v2/connectionlog","logger_names":["connlog","coder_api"],"fields":{"#
            + #""ID":"00000000-0000-4000-8000-000000000001","OrganizationID":"1a2bb67e-0117-4168-92e0-58138989a7f5","#
            + #""WorkspaceOwnerID":"fe8f4bab-3128-41f1-8fec-1cc0755affe5","#
            + #""WorkspaceID":"05567e23-31e2-4c00-bd05-4d499d437347","WorkspaceName":"dev","AgentName":"main","#
            + #""Type":"ssh","Code":null,"Ip":"198.51.100.7","UserAgent":"","UserID":null,"SlugOrPort":"","#
            + #""ConnectionID":"00000001-0000-4000-8000-000000000001","DisconnectReason":"","#
            + #""Time":"2026-11-30T11:59:00Z","ConnectionStatus":"connected"}}"#
        #expect(line == expected)
        let newer = try #require(bench.queue.events.last)
        #expect(newer.method == .ssh && newer.status == .disconnected && newer.code == 0)
        #expect(newer.time == (TableBench.start.microseconds - 57_500_000) * 1000)
    }

    @Test(arguments: 0..<6) func `whatever shifts and whenever it is killed, each once`(seed: UInt64) async throws {
        try await TableModel(seed: seed).run()
    }

    @Test(arguments: TestSeeds.more) func `the same with more seeds`(seed: UInt64) async throws {
        try await TableModel(seed: seed).run()
    }
}

/// A table that changes at random, read by processes that are killed at random.
private struct TableModel {
    let seed: UInt64

    struct Chance: RandomNumberGenerator {
        var state: UInt64
        mutating func next() -> UInt64 {
            state &+= 0x9e37_79b9_7f4a_7c15
            var mixed = state
            mixed = (mixed ^ mixed >> 30) &* 0xbf58_476d_1ce4_e5b9
            mixed = (mixed ^ mixed >> 27) &* 0x94d0_49bb_1331_11eb
            return mixed ^ mixed >> 31
        }
    }

    func run() async throws {
        var chance = Chance(state: seed)
        let most = Int.random(in: 40...600, using: &chance)
        let bench = try TableBench {
            for number in 0..<Int.random(in: 0...700, using: &chance) {
                $0.add(TableBench.row(number, ago: Double.random(in: 1...90_000, using: &chance)))
            }
            $0.pageMax = most
            let seed = seed
            $0.beforePage = { table, page in
                var chance = Chance(state: seed ^ UInt64(page) << 20)
                TableModel.shift(&table, page, &chance)
            }
        }
        for _ in 0..<12 {
            bench.queue.kill(after: Int.random(in: 0...12, using: &chance))
            do { for _ in 0..<3 { try await bench.poll() } } catch let stop as TableReader.Stop {
                guard case .queue = stop else { throw stop }
            }
            bench.restart()
        }
        bench.queue.kill(after: .max)
        bench.change { $0.beforePage = nil }
        try await bench.pollAll()
        let (got, expected) = (bench.ids, bench.expected(bench.table))
        let wrong = Set(got.keys).union(expected.keys).filter { got[$0] != expected[$0] }
        #expect(wrong.isEmpty, "seed \(seed): \(wrong.count) of \(expected.count): \(wrong.prefix(3))")
        #expect(bench.server.violations.isEmpty, "seed \(seed): \(bench.server.violations.prefix(3))")
    }

    private static func shift(_ table: inout CoderAPIServer.Table, _ page: Int, _ chance: inout Chance) {
        guard page < 400 else { return }
        for number in 0..<Int.random(in: 0...4, using: &chance) {
            // At the top, late, in the future; open, ended, ended at once.
            let ago = [Double(-page) / 10, Double.random(in: 0...80_000, using: &chance), -5000].randomElement(
                using: &chance)
            let lengths: [Double?] = [nil, 0, 3, 900]
            let lasts = lengths.randomElement(using: &chance) ?? nil
            let type = ["ssh", "vscode", "tunnel", "workspace_app"].randomElement(using: &chance) ?? "ssh"
            var row = TableBench.row(100_000 + page * 10 + number, ago: ago ?? 0, lasts: lasts, type: type)
            if row.isWeb { (row.end, row.connection) = (nil, nil) }
            table.add(row)
        }
        for id in table.rows.keys.sorted() where UInt8.random(in: 0...255, using: &chance) < 3 {
            guard let row = table.rows[id], !row.isWeb, row.end == nil else { continue }
            table.rows[id]?.end = row.connect + Int64.random(in: 1...100_000_000, using: &chance)
        }
    }
}
