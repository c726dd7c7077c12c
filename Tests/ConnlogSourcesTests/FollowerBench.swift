import ConnlogCore
import ConnlogPipeline
import ConnlogSystem
import Foundation
import Synchronization

@testable import ConnlogSources

/// Takes each line for an event; one without line feed at the end only if it closes with a full stop. Lines longer
/// than `lineMax` are passed over.
struct LineDecoder: EntryDecoder {
    var lineMax = 1 << 20
    private(set) var restartDistance = 0
    private var lines = 0

    init(lineMax: Int = 1 << 20) { self.lineMax = lineMax }

    mutating func decode(_ input: Range<Int>, in batch: inout EventBatch, isEnd: Bool) -> Int {
        var start = input.lowerBound
        for index in input where batch.bytes[index] == 10 {
            lines += 1
            if restartDistance == 0, index - start <= lineMax { batch.addRecord(start..<index) }
            restartDistance = 0
            start = index + 1
        }
        let rest = input.upperBound - start
        if restartDistance > 0 || rest > lineMax {
            restartDistance += rest
            return input.count
        }
        if isEnd, rest > 0, batch.bytes[input.upperBound - 1] == UInt8(ascii: ".") {
            batch.addRecord(start..<input.upperBound)
            return input.count
        }
        return start - input.lowerBound
    }

    mutating func warm(_ seen: ByteBuffer) {}

    mutating func takeCounts(_ place: String, start: Int) -> SourceCounts {
        var counts = SourceCounts()
        counts.lines = lines
        lines = 0
        return counts
    }
}

/// A directory with logs in it and a follower that is driven by hand, with what it has stored so far.
final class FollowerBench {
    let directory: String
    var settings: FileSettings
    var follower: FileFollower
    var lineMax: Int
    /// `LineDecoder` if there is none.
    var makeDecoder: (@Sendable () -> any EntryDecoder)?
    var now = Duration.seconds(10)
    /// What a queue would hold.
    var lines: [String] = []
    var checkpoints: [CheckpointKey: [UInt8]] = [:]
    var counts = SourceCounts()
    /// The poll, counted from 0, whose outcome is lost, after which the follower begins anew.
    var crashAt: Int?
    var polls = 0
    let log = Log()
    private var isDone = false

    final class Log: Sendable {
        private let state = Mutex<[String]>([])
        var texts: [String] { state.withLock { $0 } }
        func add(_ text: String) { state.withLock { $0.append(text) } }
    }

    /// What is asked of the disk when a file is opened.
    let opener = Opener()

    /// Opens files, counts that, and refuses more than so many at once.
    final class Opener: Sendable {
        private struct Weak: Sendable {
            weak let file: LocalFile?
        }
        private struct State {
            var opens = 0
            var open: [Weak] = []
            var most = Int.max
            var denied: Set<String> = []
        }
        private let state = Mutex(State())

        var opens: Int { state.withLock { $0.opens } }
        var openNow: Int { state.withLock { state in state.open.count { $0.file != nil } } }
        func limit(_ most: Int) { state.withLock { $0.most = most } }
        func deny(_ path: String, _ isDenied: Bool = true) {
            state.withLock { state in
                if isDenied { state.denied.insert(path) } else { state.denied.remove(path) }
            }
        }

        func open(_ path: String) throws(SystemError) -> LocalFile {
            let (isFull, isDenied) = state.withLock { state in
                state.opens += 1
                if state.most < .max { state.open.removeAll { $0.file == nil } }
                return (state.open.count >= state.most, state.denied.contains(path))
            }
            if isDenied { throw SystemError(code: Errno.accessDenied, call: "open", subject: path) }
            if isFull { throw SystemError(code: Errno.noDescriptor, call: "open", subject: path) }
            let file = try LocalFile.openForReading(path)
            state.withLock { state in
                if state.most < .max { state.open.append(Weak(file: file)) }
            }
            return file
        }
    }

    init(_ patterns: String..., batchBytes: Int = 1 << 20, lineMax: Int = 1 << 20) throws {
        let template = FileManager.default.temporaryDirectory.appendingPathComponent("connlog-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: template, withIntermediateDirectories: true)
        directory = FileStatus.resolve(template.path)
        let globs = patterns.map { [directory] in Glob($0.hasPrefix("/") ? $0 : directory + "/" + $0) }
        var settings = FileSettings(patterns: globs)
        settings.batchBytes = batchBytes
        settings.open = { [opener] (path) throws(SystemError) in try opener.open(path) }
        self.settings = settings
        self.lineMax = lineMax
        follower = FollowerBench.makeFollower(settings, [:], lineMax, log)
    }

    deinit { try? FileManager.default.removeItem(atPath: directory) }

    private static func makeFollower(
        _ settings: FileSettings, _ checkpoints: [CheckpointKey: [UInt8]], _ lineMax: Int, _ log: Log,
        wallTime: any WallTime = SystemWallTime(), makeDecoder: (@Sendable () -> any EntryDecoder)? = nil
    ) -> FileFollower {
        FileFollower(settings, checkpoints, wallTime: wallTime, log: { log.add("\($0): \($1)") }) {
            makeDecoder?() ?? LineDecoder(lineMax: lineMax)
        }
    }

    /// Begins anew, in a world where the directory was last changed so long ago.
    func restart(sinceLastChange age: Nanoseconds) throws {
        let wallTime = StandingTime(time: try FileStatus(of: directory).modified + age)
        follower = FollowerBench.makeFollower(settings, checkpoints, lineMax, log, wallTime: wallTime)
    }

    private struct StandingTime: WallTime {
        let time: Nanoseconds
        func now() -> Nanoseconds { time }
    }

    /// Begins anew with what is stored.
    func restart() {
        follower = FollowerBench.makeFollower(settings, checkpoints, lineMax, log, makeDecoder: makeDecoder)
    }

    /// One poll, `wait` after the last.
    @discardableResult
    func poll(after wait: Duration = .milliseconds(50)) -> FileFollower.Round {
        now += wait
        var batch = EventBatch()
        let round = follower.poll(now: now, into: &batch)
        polls += 1
        if crashAt == polls - 1 {
            restart()
            return round
        }
        lines += (0..<batch.count).map { batch.bytes.text(batch.records[$0].range) }
        for checkpoint in round.checkpoints { checkpoints[checkpoint.key] = checkpoint.value }
        counts.add(follower.takeCounts())
        return round
    }

    /// Polls until there is no more, past the next scan and the waits of silent files.
    func settle() {
        for _ in 0..<5 {
            for _ in 0..<10_000 where !poll(after: .milliseconds(1)).hasMore { break }
            now += .milliseconds(1100)
        }
    }

    /// Lets the grace of rotated files pass.
    func settleAll() {
        settle()
        now += .seconds(6)
        settle()
    }

    func path(_ name: String) -> String { directory + "/" + name }

    func append(_ name: String, _ text: String) {
        if !exists(name) { _ = FileManager.default.createFile(atPath: path(name), contents: nil) }
        guard let file = FileHandle(forWritingAtPath: path(name)) else { return }
        _ = try? file.seekToEnd()
        try? file.write(contentsOf: Data(text.utf8))
        try? file.close()
    }

    func truncate(_ name: String) {
        guard let file = FileHandle(forWritingAtPath: path(name)) else { return }
        try? file.truncate(atOffset: 0)
        try? file.close()
    }

    func rename(_ name: String, _ newName: String) { try? LocalFileSystem().rename(path(name), to: path(newName)) }
    func remove(_ name: String) { try? FileManager.default.removeItem(atPath: path(name)) }
    func exists(_ name: String) -> Bool { FileManager.default.fileExists(atPath: path(name)) }

    func link(_ name: String, to target: String) {
        try? FileManager.default.createSymbolicLink(atPath: path(name), withDestinationPath: path(target))
    }

    func copy(_ name: String, _ copy: String) {
        remove(copy)
        try? FileManager.default.copyItem(atPath: path(name), toPath: path(copy))
    }

    /// As logrotate does it.
    func copyTruncate(_ name: String, _ copy: String) {
        self.copy(name, copy)
        truncate(name)
    }
}
