import ConnlogCore
import ConnlogQueue
import ConnlogSystem
import ConnlogTestSupport
import Synchronization
import Testing

@testable import ConnlogPipeline

/// A disk in memory that can stop to answer.
struct GatedDisk: FileSystem {
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
final class WatchdogBench: Sendable {
    let disk = GatedDisk()
    let queue: Queue
    let sinks: SinkSet
    let sources: SourceSet
    let monitor: Monitor
    let watchdog: Watchdog
    private let lines: Lines

    private final class Lines: Sendable {
        let all = Mutex<[String]>([])
        let looks = Mutex<[Bool]>([])
    }

    init(
        spinningShare: Double = 0.9, draw: (@Sendable (String) -> Void)? = nil,
        said: @escaping @Sendable (String) -> Void = { _ in }
    ) throws {
        let lines = Lines()
        self.lines = lines
        let log: LogFunction = { _, text in
            lines.all.withLock { $0.append(text) }
            said(text)
        }
        queue = try Queue.open("/q", QueueOptions(queueBytesMax: 4 << 20, freeBytesMin: 0), fileSystem: disk)
        sinks = SinkSet(queue, deadLettersIn: "/q/dead-letter", Shutdown(timeout: .seconds(20)), log: log)
        sources = SourceSet(queue, log: log)
        monitor = Monitor(queue: queue, in: "/q", sources: sources, sinks: sinks, log: log, draw: draw)
        watchdog = Watchdog(
            queue: queue, sources: sources, sinks: sinks, monitor: draw == nil ? nil : monitor,
            limits: .init(
                stuckAfter: .milliseconds(100), interval: .milliseconds(10), spinningShare: spinningShare),
            log: log)
        watchdog.start(looked: { isStuck in lines.looks.withLock { $0.append(isStuck) } })
    }

    /// What the service manager would hear after each look: whether a restart would mend something.
    var looks: [Bool] { lines.looks.withLock { $0 } }

    func planned(_ sink: any Sink) -> PlannedSink { PlannedSink(SinkMaker { sink }, named: "siem") }

    func planned(_ source: any Source) -> PlannedSource { PlannedSource(source, named: "coderd") }

    /// As a source is told it.
    func context(_ status: SourceStatus) -> SourceContext {
        SourceContext(once: false, status: status, log: { [lines] _, text in lines.all.withLock { $0.append(text) } })
    }

    func append(_ numbers: Range<Int>) async throws {
        try await queue.enqueue(TestEvents.batch(numbers))
        try await queue.flush()
    }

    func said(_ beginning: String) -> [String] {
        lines.all.withLock { $0.filter { $0.hasPrefix(beginning) } }
    }

    /// Waits until a part is told, and shown with the words.
    func untilTold(_ part: String, _ words: String = "") async throws {
        try await until("\(part) is told") { said("\(part) is stuck: ").contains { $0.contains(words) } }
        try await until("\(part) is shown") {
            watchdog.board.sentences.contains { $0.hasPrefix("\(part) is stuck: ") && $0.contains(words) }
        }
    }

    /// Waits until that is over, and told.
    func untilOver(_ part: String) async throws {
        try await until("that is told") { !said("\(part) is stuck no more").isEmpty }
        try await until("it is shown no more") {
            !watchdog.board.sentences.contains { $0.hasPrefix("\(part) is stuck: ") }
        }
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

/// Holds up whoever comes, on its thread, until it is opened.
final class Gate: Sendable {
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

    var isOpenNow: Bool { isOpen.load(ordering: .acquiring) }

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
