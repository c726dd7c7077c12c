import ConnlogConfig
import ConnlogCore
import ConnlogQueue
import ConnlogSources
import ConnlogSystem
import ConnlogTestSupport
import Foundation
import Synchronization
import Testing

@testable import ConnlogDaemon

/// Whatever hangs or spins, in whatever part, is told in the log and shown, and told again when it is over.
///
/// One after another: those that loop keep a processor busy each.
@Suite(.serialized) struct WatchdogTests {
    enum Place: CaseIterable { case open, send, outcome, commitPoint, committed }

    @Test(arguments: Place.allCases, [false, true])
    func `a sink that hangs or loops in any of its calls is told`(place: Place, spins: Bool) async throws {
        let bench = try WatchdogBench()
        let gate = Gate(spins: spins)
        defer { gate.open() }
        let sink = HangingSink(place, gate)
        try await bench.append(0..<10)
        await bench.sinks.apply([bench.configured(sink)], bench.settings)
        try await bench.until("it is shown") { bench.sinks.shown.first?.stuck != nil }
        // Where it only tells the sink that all is safe, nothing waits. A busy machine may keep it from getting there, and
        // that is told before.
        try await bench.until("it is told") {
            bench.said("sink siem is stuck: ").contains { $0.contains("10 events wait") == (place != .committed) }
        }
        gate.open()
        try await bench.append(10..<20)
        try await bench.until("it gets on") { bench.sinks.shown.first?.stuck == nil }
        try await bench.until("that is told") { !bench.said("sink siem is stuck no more").isEmpty }
        await bench.end()
    }

    @Test func `a reader whose disk does not answer is told`() async throws {
        let bench = try WatchdogBench()
        try await bench.append(0..<10)
        bench.disk.reads.close()
        defer { bench.disk.reads.open() }
        await bench.sinks.apply([bench.configured(HangingSink(nil, Gate()))], bench.settings)
        try await bench.until("it is shown") { bench.sinks.shown.first?.stuck?.contains("reading the queue") == true }
        bench.disk.reads.open()
        try await bench.until("it gets on") { bench.sinks.shown.first?.stuck == nil }
        await bench.end()
    }

    @Test func `a disk that does not answer a sync of the queue is told`() async throws {
        let bench = try WatchdogBench()
        try await bench.append(0..<1)
        bench.disk.syncs.close()
        defer { bench.disk.syncs.open() }
        try await bench.queue.enqueue(TestEvents.batch(1..<2))
        try await bench.until("it is told") { !bench.said("queue is stuck").isEmpty }
        try await bench.until("it is shown") {
            bench.watchdog.board.sentences.contains { $0.hasPrefix("queue is stuck: no progress for") }
        }
        bench.disk.syncs.open()
        try await bench.queue.flush()
        try await bench.until("that is over") { !bench.said("queue is stuck no more").isEmpty }
        await bench.end()
    }

    @Test(arguments: [false, true]) func `a source that hangs or loops is told`(spins: Bool) async throws {
        let bench = try WatchdogBench()
        let gate = Gate(spins: spins)
        defer { gate.open() }
        await bench.sources.apply([bench.configured(HangingSource(gate))])
        try await bench.until("it is shown") { bench.sources.shown.first?.stuck != nil }
        try await bench.until("it is told") { !bench.said("source coderd is stuck: ").isEmpty }
        gate.open()
        try await bench.until("that is over") { !bench.said("source coderd is stuck no more").isEmpty }
        await bench.end()
    }

    /// By its share, so that no processor has to be free for it.
    @Test(arguments: [0.02, 0.05]) func `a thread that keeps a processor busy for nothing is told`(
        share: Double
    ) async throws {
        let bench = try WatchdogBench(spinningShare: share)
        let gate = Gate(spins: true)
        defer { gate.open() }
        Thread.start("busy") { gate.wait() }
        try await bench.until("it is told") { bench.said("thread busy (").contains { $0.contains("is stuck") } }
        try await bench.until("it is counted") { bench.watchdog.board.spinning > 0 }
        gate.open()
        await bench.end()
    }
}

/// Holds up whoever comes, on its thread, until it is opened.
private final class Gate: Sendable {
    private let isOpen = Atomic(false)
    private let spins: Bool
    private let lock = ConditionLock()

    init(spins: Bool = false, isOpen: Bool = false) {
        self.spins = spins
        self.isOpen.store(isOpen, ordering: .releasing)
    }

    func open() {
        isOpen.store(true, ordering: .releasing)
        lock.lock()
        lock.unlock(waking: true)
    }

    func close() { isOpen.store(false, ordering: .releasing) }

    func wait() {
        while !isOpen.load(ordering: .acquiring) {
            if spins { continue }
            lock.lock()
            if !isOpen.load(ordering: .acquiring) { lock.wait() }
            lock.unlock(waking: false)
        }
    }
}

private final class HangingSink: Sink {
    let limits = BatchLimits()
    private let place: WatchdogTests.Place?
    private let gate: Gate

    init(_ place: WatchdogTests.Place?, _ gate: Gate) {
        self.place = place
        self.gate = gate
    }

    private func come(_ here: WatchdogTests.Place) { if here == place { gate.wait() } }

    func open(_ committed: [UInt8]?) async throws(SinkError) { come(.open) }

    func send(_ batch: EventBatch) async -> SendOutcome {
        come(.send)
        return place == .outcome ? .accepted(Receipt(1)) : .delivered
    }

    func outcome(of receipt: Receipt) async -> SendOutcome {
        come(.outcome)
        return .delivered
    }

    func commitPoint() async throws(SinkError) -> [UInt8] {
        come(.commitPoint)
        return []
    }

    func committed() async { come(.committed) }
}

private struct HangingSource: Source {
    let gate: Gate

    init(_ gate: Gate) { self.gate = gate }

    func run(into output: any EventOutput) async throws(SourceError) { gate.wait() }
}

/// A disk in memory that can stop to answer.
private struct GatedDisk: FileSystem {
    let base = SimulatedFileSystem()
    let syncs = Gate(isOpen: true)
    let reads = Gate(isOpen: true)

    func open(_ path: String, _ mode: OpenMode) throws(SystemError) -> any OpenFile {
        GatedFile(base: try base.open(path, mode), disk: self)
    }

    func createDirectory(_ path: String) throws(SystemError) { try base.createDirectory(path) }
    func list(_ directory: String) throws(SystemError) -> [String] { try base.list(directory) }
    func rename(_ path: String, to newPath: String) throws(SystemError) { try base.rename(path, to: newPath) }
    func remove(_ path: String) throws(SystemError) { try base.remove(path) }
    func syncDirectory(_ path: String) throws(SystemError) { try base.syncDirectory(path) }
    func lock(_ path: String) throws(SystemError) -> any FileLock { try base.lock(path) }
    func space(of path: String) throws(SystemError) -> DiskSpace { try base.space(of: path) }
}

private struct GatedFile: OpenFile {
    let base: any OpenFile
    let disk: GatedDisk

    func read(into buffer: inout ByteBuffer, at position: Int, count: Int) throws(SystemError) -> Int {
        disk.reads.wait()
        return try base.read(into: &buffer, at: position, count: count)
    }

    func write(_ buffer: ByteBuffer, _ range: Range<Int>, at position: Int) throws(SystemError) -> Int {
        try base.write(buffer, range, at: position)
    }

    func sync() throws(SystemError) {
        disk.syncs.wait()
        try base.sync()
    }

    func size() throws(SystemError) -> Int { try base.size() }
    func truncate(to size: Int) throws(SystemError) { try base.truncate(to: size) }
    func identity() throws(SystemError) -> FileIdentity { try base.identity() }
}

/// A queue, its sources and sinks, and a watchdog that loses its patience soon.
private final class WatchdogBench: Sendable {
    let disk = GatedDisk()
    let queue: Queue
    let sinks: SinkSet
    let sources: SourceSet
    let watchdog: Watchdog
    let settings: Settings
    private let sinkSection: Section
    private let sourceSection: Section
    private let lines: Lines

    private final class Lines: Sendable {
        let all = Mutex<[String]>([])
    }

    init(spinningShare: Double = 0.9) throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "watchdog-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let text = """
            [connlog]
            data_dir = /nowhere
            [source "coderd"]
            type = file
            path = /nowhere/*.log
            [sink "siem"]
            type = file
            path = /nowhere/out.jsonl
            """
        try text.write(toFile: folder + "/connlog.ini", atomically: true, encoding: .utf8)
        let loaded = Configuration.load(
            folder + "/connlog.ini", schemas: Registry.schemas, planned: Registry.planned)
        let configuration = try #require(loaded.configuration)
        sinkSection = try #require(configuration.sections(ofKind: "sink").first)
        sourceSection = try #require(configuration.sections(ofKind: "source").first)
        settings = Settings(configuration.connlog)
        let lines = Lines()
        self.lines = lines
        let log: LogFunction = { _, text in lines.all.withLock { $0.append(text) } }
        queue = try Queue.open("/q", QueueOptions(queueBytesMax: 4 << 20, freeBytesMin: 0), fileSystem: disk)
        sinks = SinkSet(queue, settings, log: log)
        sources = SourceSet(queue, log: log)
        watchdog = Watchdog(
            queue: queue, sources: sources, sinks: sinks, monitor: nil,
            limits: .init(
                stuckAfter: .milliseconds(100), interval: .milliseconds(10), spinningShare: spinningShare),
            log: log)
        watchdog.start()
    }

    func configured(_ sink: any Sink) -> ConfiguredSink {
        ConfiguredSink(name: "siem", sink: sink, section: sinkSection, filter: nil)
    }

    func configured(_ source: any Source) -> ConfiguredSource {
        ConfiguredSource(name: "coderd", source: source, section: sourceSection, status: SourceStatus())
    }

    func append(_ numbers: Range<Int>) async throws {
        try await queue.enqueue(TestEvents.batch(numbers))
        try await queue.flush()
    }

    func said(_ beginning: String) -> [String] {
        lines.all.withLock { $0.filter { $0.hasPrefix(beginning) } }
    }

    func until(_ what: String, _ isSo: () -> Bool) async throws { try await Waiting.until(what, isSo) }

    func end() async {
        watchdog.stop()
        await sources.stop()
        await sinks.drain()
        await sinks.waitUntilOver()
        await queue.close()
    }
}
