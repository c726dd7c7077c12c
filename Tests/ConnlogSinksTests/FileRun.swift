import ConnlogCore
import ConnlogSystem
import Synchronization
import Testing

@testable import ConnlogSinks

/// Time that stands still until it is moved.
final class StillTime: WallTime {
    private let time: Mutex<Nanoseconds>
    private let jumps = Mutex<Nanoseconds>(0)
    // 2026-01-15T09:30:12.480Z
    static let start: Nanoseconds = 1_768_469_412_480_000_000

    init(_ time: Nanoseconds = StillTime.start) { self.time = Mutex(time) }

    func now() -> Nanoseconds { time.withLock { $0 } &+ jumps.withLock { $0 } }
    func uptime() -> Nanoseconds { time.withLock { $0 } }
    /// Somebody sets the clock.
    func jump(_ seconds: Double) { jumps.withLock { $0 += Nanoseconds(seconds * 1e9) } }
    func advance(_ seconds: Double) { time.withLock { $0 += Nanoseconds(seconds * 1e9) } }
}

/// Numbers from a seed (SplitMix64).
struct Seeded: RandomNumberGenerator {
    private var state: UInt64
    init(_ seed: UInt64) { state = (seed &+ 1) &* 0xd134_2543_de82_ef95 }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}

/// Collects what a sink says.
final class Said: Sendable {
    private let lines = Mutex<[String]>([])
    var all: [String] { lines.withLock { $0 } }
    var log: LogFunction { { level, text in self.lines.withLock { $0.append("\(level): \(text)") } } }
}

/// The queue and the delivery in small: events, the committed offset with the sink's state, and what was sent since.
struct FileRun {
    static let path = "/log/connections.jsonl"

    let events: [[UInt8]]
    private(set) var committed = 0
    private(set) var state: [UInt8]?
    private(set) var sent = 0
    private(set) var problems: [Reason] = []

    /// - Parameter alike: all lines have one length, some 49 bytes, and end alike.
    init(events count: Int, alike: Bool = false) {
        events = (0..<count).map { number in
            let name = alike ? "\(100 + number)" : "\(number)"
            let pad = String(repeating: "x", count: alike ? 32 : number * 37 % 190)
            return Array("{\"n\":\(name),\"pad\":\"\(pad)\"}".utf8)
        }
    }

    init(_ events: [[UInt8]]) { self.events = events }

    static func batch(_ events: some Collection<[UInt8]>) -> EventBatch {
        var batch = EventBatch()
        for event in events { batch.append(event.span) }
        return batch
    }

    mutating func open(_ sink: any Sink) async -> Bool {
        sent = committed
        do throws(SinkError) {
            try await sink.open(state)
            return true
        } catch {
            problems.append(error.reason)
            return false
        }
    }

    /// Sends the next `count` events, as often as that takes; `false` when the sink cannot take them now.
    mutating func send(_ count: Int, _ sink: FileSink) async -> Bool {
        let goal = min(events.count, sent + count)
        var rounds = 0
        while sent < goal {
            rounds += 1
            guard rounds < 1000 else {
                Issue.record("the sink does not get on")
                return false
            }
            switch await sink.send(FileRun.batch(events[sent..<goal])) {
            case .delivered: sent = goal
            case .deliveredPrefix(let count):
                sent += count
                if await !commit(sink) { return false }
            case .retry(_, let reason):
                problems.append(reason)
                return false
            case let other: Issue.record("\(other)")
            }
        }
        return true
    }

    mutating func commit(_ sink: FileSink) async -> Bool {
        do throws(SinkError) {
            state = try await sink.commitPoint()
        } catch {
            problems.append(error.reason)
            sent = committed
            return false
        }
        committed = sent
        await sink.committed()
        await sink.drainKeeper()
        return true
    }

    /// Sends and commits everything, starting anew after each failure.
    mutating func finish(_ sink: FileSink) async {
        for _ in 0..<20 {
            guard await open(sink), await send(events.count, sink) else { continue }
            if await commit(sink) { break }
        }
        #expect(committed == events.count, "\(problems)")
        await sink.close()
    }

    /// The lines of the rotated files, the oldest first, and of the present one.
    static func lines(_ files: [String: [UInt8]], path: String = FileRun.path) throws -> [String] {
        let directory = LocalFileSystem.parent(of: path)
        let pattern = RotatedName(of: FilePath.name(of: path))
        let rotated = files.keys.compactMap { pattern.parse(String($0.dropFirst(directory.count + 1))) }
        var text: [UInt8] = []
        for file in rotated.sorted(by: { $0.number < $1.number }) where !file.isTemporary {
            let bytes = files[FilePath.join(directory, file.name)] ?? []
            text += file.isCompressed ? try plain(bytes) : bytes
        }
        text += files[path] ?? []
        return String(decoding: text, as: UTF8.self).split(separator: "\n").map(String.init)
    }

    static func plain(_ bytes: [UInt8]) throws -> [UInt8] {
        var buffer = ByteBuffer()
        try Gunzip.decompress(bytes.span, into: &buffer, limit: 64 << 20)
        return buffer.array
    }

    /// What is missing from, or too much or out of place in, `found`; `nil` when nothing is.
    func difference(_ found: [String]) -> String? {
        if found == expected { return nil }
        let counts = Dictionary(found.map { ($0, 1) }, uniquingKeysWith: +)
        let missing = expected.filter { counts[$0] == nil }.map { $0.prefix(9) }
        let repeated = counts.filter { $0.value > 1 }.map { $0.key.prefix(9) }
        let foreign = Set(found).subtracting(expected).map { $0.prefix(30) }
        return "missing \(missing), repeated \(repeated), foreign \(foreign), or out of order"
    }

    var committedInode: Int? { state.flatMap { FileCommit($0) }.map { Int($0.identity.inode) } }

    var expected: [String] { events.map { String(decoding: $0, as: UTF8.self) } }
}
