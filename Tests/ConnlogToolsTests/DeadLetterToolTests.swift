import ConnlogCore
import ConnlogQueue
import ConnlogSystem
import ConnlogTestSupport
import Foundation
import Synchronization
import Testing

@testable import ConnlogTools
@testable import ConnlogDelivery

@Suite struct DeadLetterToolTests {
    private static let today = "2026-01-01"

    /// The delivery's own writer.
    private func writer(_ bench: ToolBench, _ disk: any FileSystem = LocalFileSystem()) -> DeadLetters {
        DeadLetters(
            directory: bench.location.directory + "/dead-letter/siem", sink: "siem", bytesMax: 1 << 30,
            fileSystem: disk,
            clock: ToolBench.FixedTime())
    }

    private func write(_ numbers: some Sequence<Int>, _ letters: inout DeadLetters) throws {
        for number in numbers {
            let reason = Reason("http_400", "said \"no\" to \(number)", code: "400/6", endpoint: "https://splunk:8088")
            let record = Array(ToolBench.line(number).utf8)
            try letters.write(record.span, offset: UInt64(100 + number), reason)
        }
    }

    /// A data directory with these dead letters.
    private func bench(_ numbers: Range<Int>) throws -> ToolBench {
        let bench = try ToolBench()
        var letters = writer(bench)
        try write(numbers, &letters)
        return bench
    }

    private func all(_ bench: ToolBench, _ change: (inout DeadLetterSelection) -> Void = { _ in }) throws
        -> [DeadLetter]
    {
        var selection = DeadLetterSelection()
        change(&selection)
        var letters: [DeadLetter] = []
        let bad = try DeadLetterList(sink: nil, at: bench.location).forEach(selection) { letters.append($0) }
        #expect(bad.isEmpty)
        return letters
    }

    private func retry(
        _ bench: ToolBench, _ sink: Receiver, patience: Duration = .zero,
        _ change: (inout DeadLetterSelection) -> Void = { _ in }
    ) async throws -> DeadLetterRetry.Outcome {
        var selection = DeadLetterSelection()
        change(&selection)
        return try await ResendTarget("siem", sink, patience: patience).retryDeadLetters(selection, at: bench.location)
    }

    @Test func `what the delivery wrote is read back, byte for byte`() throws {
        let letters = try all(try bench(0..<3))
        #expect(letters.map(\.id) == ["siem/100", "siem/101", "siem/102"])
        #expect(letters.map(\.record) == (0..<3).map { ToolBench.line($0) })
        #expect(letters[1].text == "said \"no\" to 1" && letters[1].reason == "http_400")
        #expect(letters[1].code == "400/6" && letters[1].endpoint == "https://splunk:8088")
        #expect(letters[1].day == Self.today && letters[1].time == "2026-01-01T00:00:00Z")
    }

    @Test func `they are listed and shown for people and for programs`() throws {
        let letters = try all(try bench(0..<2))
        let text = DeadLetter.table(letters) + "\n" + letters[1].details + "\n" + letters[1].json.line + "\n"
        let difference = GoldenFolder("Golden/tools").case("dead-letters.txt", input: "Two dead letters.\n")
            .difference(from: text)
        #expect(difference == nil, "\(difference ?? "")")
    }

    @Test func `they are chosen by id, day and reason`() throws {
        let bench = try bench(0..<4)
        #expect(try all(bench) { $0.offsets = [101, 103] }.map(\.offset) == [101, 103])
        #expect(try all(bench) { $0.day = Self.today }.count == 4)
        #expect(try all(bench) { $0.day = "2026-01-02" }.isEmpty)
        #expect(try all(bench) { $0.reason = "http_413" }.isEmpty)
        #expect(throws: ToolError.self) { try DeadLetterList(sink: "splunk", at: bench.location) }
        #expect(
            DeadLetter.parse("a/b/7")?.sink == "a/b" && DeadLetter.parse("siem/x") == nil
                && DeadLetter.parse("/7") == nil)
    }

    @Test func `a line that is none is told, and stays`() async throws {
        let bench = try bench(0..<2)
        let file = "queue/dead-letter/siem/\(Self.today).jsonl"
        let text = try #require(bench.text(file))
        try bench.write(text + "{\"time\":\"x\",\"offset\":7,\"record\":{\"a\":1}\nnoise\n", to: file)
        let outcome = try await retry(bench, Receiver())
        #expect(outcome.delivered == 2 && outcome.unreadable == 2 && !outcome.isComplete)
        #expect(bench.text(file) == "{\"time\":\"x\",\"offset\":7,\"record\":{\"a\":1}\nnoise\n")
    }

    @Test func `what is delivered goes, what is refused again stays`() async throws {
        let bench = try bench(0..<10)
        let sink = Receiver(refuses: [2, 7])
        let outcome = try await retry(bench, sink)
        #expect(await sink.taken == [0, 1, 3, 4, 5, 6, 8, 9])
        #expect(
            outcome.delivered == 8 && outcome.refused == ["http_400": 2] && outcome.left == 0 && !outcome.isComplete)
        #expect(try all(bench).map(\.offset) == [102, 107])
        let again = try await retry(bench, Receiver())
        #expect(again.delivered == 2 && again.isComplete)
        #expect(bench.text("queue/dead-letter/siem/\(Self.today).jsonl") == nil)
    }

    @Test func `only what was chosen is sent`() async throws {
        let bench = try bench(0..<10)
        let sink = Receiver()
        _ = try await retry(bench, sink) { $0.offsets = [104] }
        #expect(await sink.taken == [4])
        #expect(try all(bench).count == 9)
    }

    @Test func `a sink that is away costs nothing`() async throws {
        let bench = try bench(0..<10)
        let outcome = try await retry(bench, Receiver(isAway: true))
        #expect(outcome.gaveUp == "nobody listens there" && outcome.left == 10 && outcome.delivered == 0)
        #expect(try all(bench).count == 10)
    }

    @Test func `letters that the delivery adds meanwhile stay`() async throws {
        let bench = try bench(0..<10)
        let letters = Mutex(writer(bench))
        let next = Mutex(20)
        let sink = Receiver {
            letters.withLock { letters in
                let number = next.withLock { number in
                    number += 1
                    return number
                }
                #expect(throws: Never.self) { try self.write([number], &letters) }
            }
        }
        let outcome = try await retry(bench, sink) { $0.offsets = Set(100..<110) }
        #expect(outcome.delivered == 10)
        #expect(try all(bench).map(\.offset) == [121, 122, 123])
        // And the writer, which knew the file before, goes on with the new one.
        try letters.withLock { try write([30], &$0) }
        #expect(try all(bench).map(\.offset) == [121, 122, 123, 130])
    }

    @Test func `two commands do not meet`() async throws {
        let bench = try bench(0..<3)
        let claim = try DeadLetterBox(sink: "siem", at: bench.location).claim()
        await #expect(throws: ToolError.self) { try await retry(bench, Receiver()) }
        withExtendedLifetime(claim) {}
        #expect(try all(bench).count == 3)
    }

    @Test func `dropping removes what was chosen, for good`() async throws {
        let bench = try bench(0..<6)
        var selection = DeadLetterSelection()
        selection.offsets = [101, 105]
        #expect(try await DeadLetterList(sink: "siem", at: bench.location).drop(selection) == 2)
        #expect(try all(bench).map(\.offset) == [100, 102, 103, 104])
        #expect(try await DeadLetterList(sink: nil, at: bench.location).drop(DeadLetterSelection()) == 4)
        #expect(try all(bench).isEmpty)
    }

    /// Every call that a removal makes is tried as the one at which the machine stops, and as one that fails.
    @Test(arguments: [SimulatedFileSystem.Fault.crash, .error(Errno.noSpace), .error(Errno.inputOutput), .shortWrite])
    func `a removal that is cut short leaves every other letter, and those in question or not`(
        fault: SimulatedFileSystem.Fault
    ) async throws {
        let location = QueueLocation(dataDirectory: "/d")
        let made = SimulatedFileSystem()
        var letters = DeadLetters(
            directory: location.directory + "/dead-letter/siem", sink: "siem", bytesMax: 1 << 30, fileSystem: made,
            clock: ToolBench.FixedTime())
        try write(0..<6, &letters)
        let start = made.killed()
        for call in 1...60 {
            let disk = start.killed()
            disk.fail(fault, atCall: call)
            let positions = try positions(start, [1, 4], location)
            let box = DeadLetterBox(sink: "siem", at: location, fileSystem: disk)
            let isRemoved = (try? await box.remove(positions, of: Self.today)) != nil
            let isOver = disk.calls < call
            let after = fault == .crash && !isOver ? disk.restarted(seed: UInt64(call)) : disk.killed()
            let left = try offsets(after, location)
            #expect([[100, 102, 103, 105], [100, 101, 102, 103, 104, 105]].contains(left), "call \(call): \(left)")
            if isRemoved { #expect(left.count == 4, "call \(call): told to be gone, and is there") }
            if isOver { return #expect(isRemoved) }
        }
        Issue.record("a removal makes more than 60 calls")
    }

    private func offsets(_ disk: SimulatedFileSystem, _ location: QueueLocation) throws -> [UInt64] {
        var found: [UInt64] = []
        try DeadLetterBox(sink: "siem", at: location, fileSystem: disk).read(Self.today) { letter in
            found.append(letter.offset)
            return true
        }
        return found
    }

    private func positions(
        _ disk: SimulatedFileSystem, _ indexes: Set<Int>, _ location: QueueLocation
    ) throws -> Set<Int> {
        var found: [Int] = []
        try DeadLetterBox(sink: "siem", at: location, fileSystem: disk).read(Self.today) { letter in
            found.append(letter.position)
            return true
        }
        return Set(indexes.map { found[$0] })
    }
}
