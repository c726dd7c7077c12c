import ConnlogCore
import ConnlogSystem
import ConnlogTestSupport
import Foundation
import Testing

@testable import ConnlogPipeline
@testable import ConnlogSources

/// A source that works and yet leaves its input alone is told, as one is that hangs while nobody hands events over.
@Suite(.serialized) struct UnreadTests {
    /// Opens a file so that it cannot be read while the gate is closed, which shows only when it is read.
    private static func opener(_ isReadable: Gate) -> @Sendable (String) throws(SystemError) -> LocalFile {
        { (path) throws(SystemError) in
            let forWriting: Int32 = 1
            return isReadable.isOpenNow
                ? try LocalFile.openForReading(path) : try LocalFile(path, flags: forWriting, mode: 0)
        }
    }

    @Test func `a file source that goes round and does not read what there is is told`() async throws {
        let bench = try WatchdogBench()
        let folder = try TemporaryLogs()
        defer { folder.remove() }
        let isReadable = Gate()
        let status = SourceStatus()
        var settings = FileSettings(patterns: [Glob(folder.path("*.log"))])
        settings.open = UnreadTests.opener(isReadable)
        let source = FileSource(settings, bench.context(status)) { StreamDecoder(EventDecoder()) }
        try folder.write("a.log", String(repeating: "no event\n", count: 7))
        await bench.sources.apply([bench.planned(source)])
        try await bench.untilTold("reading of source coderd", "a.log has 63 bytes more")
        // Between two of its turns, a second apart, this impatient watchdog thinks that it hangs.
        try await bench.until("the source shows it") {
            bench.sources.shown.first?.stuck?.contains("does not read") == true
        }
        isReadable.open()
        try await bench.untilOver("reading of source coderd")
        #expect(status.counts.lines == 7)
        await bench.end()
    }

    @Test func `standard input that is there and not read is told`() async throws {
        let bench = try WatchdogBench()
        let pipe = Pipe()
        let gate = Gate()
        defer { gate.open() }
        let status = SourceStatus()
        let source = LazySource(StreamInput(descriptor: pipe.fileHandleForReading.fileDescriptor), status, gate)
        await bench.sources.apply([bench.planned(source)])
        try await bench.until("it goes round") { status.turns > 20 }
        #expect(bench.said("reading").isEmpty)
        try pipe.fileHandleForWriting.write(contentsOf: Data("one\n".utf8))
        try await bench.untilTold("reading of source coderd", "standard input has something more")
        // Told to people; a restart would hold up all else and mend nothing. Where this machine is busy, other parts may
        // seem stuck to so impatient a watchdog, so this waits for a look at which none does.
        try await bench.until("a look that finds nothing else does not ask for a restart") {
            bench.looks.last == false
                && bench.watchdog.board.sentences.contains { $0.hasPrefix("reading of source coderd is stuck") }
        }
        gate.open()
        try await bench.untilOver("reading of source coderd")
        await bench.end()
    }

    @Test(arguments: [false, true])
    func `a source of standard input that hangs or loops in reading is told`(spins: Bool) async throws {
        let bench = try WatchdogBench()
        let pipe = Pipe()
        let gate = Gate(spins: spins)
        defer { gate.open() }
        let status = SourceStatus()
        let input = StreamInput(descriptor: pipe.fileHandleForReading.fileDescriptor)
        let source = StdinSource(input, bench.context(status)) { HangingDecoder(gate) }
        await bench.sources.apply([bench.planned(source)])
        try await bench.until("it goes round") { status.turns > 3 }
        try pipe.fileHandleForWriting.write(contentsOf: Data("one\n".utf8))
        try await bench.untilTold("source coderd", "does not come round")
        try await bench.until("the service manager would hear of it") { bench.looks.contains(true) }
        gate.open()
        try await bench.untilOver("source coderd")
        await bench.end()
    }

    @Test(arguments: [false, true])
    func `an input that hangs or loops while it is taken in is told`(spins: Bool) async throws {
        let bench = try WatchdogBench()
        let gate = Gate(spins: spins)
        defer { gate.open() }
        let status = SourceStatus()
        let source = IngestSource(bench.context(status)) {
            gate.wait()
            return EventDecoder()
        }
        await bench.sources.apply([bench.planned(source)])
        let thread = ThreadExecutor("hands in")
        let handingIn = Task(executorPreference: thread) {
            try await Waiting.until("it takes input") { (try? source.begin()) != nil }
        }
        try await bench.untilTold("source coderd", "taking in what was handed to it does not end")
        gate.open()
        try await bench.untilOver("source coderd")
        try await handingIn.value
        await bench.end()
    }

    @Test func `a file system that does not tell what there is to read is told`() async throws {
        let bench = try WatchdogBench()
        let gate = Gate()
        defer { gate.open() }
        let status = SourceStatus()
        let hangs = Gate(isOpen: true)
        defer { hangs.open() }
        let source = LazySource(StreamInput(descriptor: -1), status, gate)
        await bench.sources.apply([bench.planned(source)])
        try await bench.until("it goes round") { status.turns > 3 }
        hangs.close()
        status.setProbe {
            hangs.wait()
            return []
        }
        try await bench.untilTold("the look for unread input", "does a file system not answer?")
        #expect(bench.said("source coderd is stuck").isEmpty)
        hangs.open()
        try await bench.untilOver("the look for unread input")
        await bench.end()
    }
}

/// Goes round and reads nothing until the gate is opened; then it has read all.
private final class LazySource: Source {
    let status: SourceStatus?
    let comesRound = true
    private let input: StreamInput
    private let gate: Gate

    init(_ input: StreamInput, _ status: SourceStatus, _ gate: Gate) {
        self.input = input
        self.status = status
        self.gate = gate
    }

    func run(into output: any EventOutput) async throws(SourceError) {
        status?.setProbe { [input, gate] in gate.isOpenNow ? [] : input.unread(place: 0).map { [$0] } ?? [] }
        while !Task.isCancelled {
            status?.turn()
            await Waiting.moment()
        }
    }
}

/// Hangs with the first bytes.
private struct HangingDecoder: EntryDecoder {
    let gate: Gate
    let restartDistance = 0

    init(_ gate: Gate) { self.gate = gate }

    mutating func decode(_ input: Range<Int>, in batch: inout EventBatch, isEnd: Bool) -> Int {
        if !input.isEmpty { gate.wait() }
        return input.count
    }

    mutating func warm(_ seen: ByteBuffer) {}
    mutating func takeCounts(_ place: String, start: Int) -> SourceCounts { SourceCounts() }
}

private struct TemporaryLogs {
    private let folder = FileManager.default.temporaryDirectory.appending(path: "unread-\(UUID().uuidString)").path

    init() throws { try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true) }

    func path(_ name: String) -> String { "\(folder)/\(name)" }
    func write(_ name: String, _ text: String) throws {
        try text.write(toFile: path(name), atomically: true, encoding: .utf8)
    }
    func remove() { try? FileManager.default.removeItem(atPath: folder) }
}
