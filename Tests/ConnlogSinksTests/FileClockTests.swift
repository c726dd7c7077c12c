import ConnlogCore
import ConnlogSystem
import ConnlogTestSupport
import Foundation
import Testing

@testable import ConnlogSinks

/// The wall clock jumps, by seconds or by years, in either direction, and may come back.
@Suite struct FileClockTests {
    private let time = StillTime()
    private let said = Said()
    private let disk = FileDisk()
    static let year: Double = 365 * 86_400

    private func sink() -> FileSink {
        FileSink(
            FileSinkOptions(path: FileRun.path, keep: 2, compresses: false), disk: disk, clock: time, log: said.log)
    }

    private var rotated: Int { disk.files.count - 1 }

    static let distances: [Double] = [-100 * year, -3 * year, -172_800, 172_800, 3 * year, 100 * year]

    @Test(arguments: distances)
    func `a clock that jumps to and fro rotates nothing and removes nothing`(distance: Double) async throws {
        var run = FileRun(events: 60)
        let only = sink()
        _ = await run.open(only)
        for _ in 0..<10 {
            _ = await run.send(3, only)
            _ = await run.commit(only)
            time.jump(distance)
            time.advance(10)
            _ = await run.send(3, only)
            _ = await run.commit(only)
            time.jump(-distance)
            time.advance(10)
        }
        #expect(rotated == 0 && only.counts.pruned == 0)
        #expect(try FileRun.lines(disk.files) == run.expected)
        #expect(said.all.filter { $0.contains("the clock has jumped") }.count >= 1)
    }

    @Test(arguments: [-3 * year, 3 * year])
    func `one that stays where it jumped to rotates once, and each day from then on`(distance: Double) async throws {
        var run = FileRun(events: 40)
        let only = sink()
        _ = await run.open(only)
        _ = await run.send(2, only)
        time.jump(distance)
        for _ in 0..<30 {
            time.advance(3600 * 4)
            _ = await run.send(1, only)
            _ = await run.commit(only)
        }
        // Five days, and the jump forward.
        #expect((5...6).contains(only.counts.rotations))
        #expect(only.counts.pruned == only.counts.rotations - 2)
        #expect(said.all.filter { $0.contains("the clock has jumped") }.count == 1)
    }

    @Test(arguments: [-3 * year, 3 * year])
    func `a file that was begun by a wrong clock is rotated by the right one after a restart`(distance: Double) async {
        var run = FileRun(events: 40)
        time.jump(distance)
        let first = sink()
        _ = await run.open(first)
        _ = await run.send(2, first)
        _ = await run.commit(first)
        await first.close()
        time.jump(-distance)
        let second = sink()
        _ = await run.open(second)
        for _ in 0..<12 {
            time.advance(3600 * 4)
            _ = await run.send(1, second)
            _ = await run.commit(second)
        }
        #expect((2...3).contains(second.counts.rotations))
    }

    @Test(arguments: [-3 * year, 3 * year]) func `a rotation that failed is tried again in a minute by any clock`(
        distance: Double
    ) async {
        var run = FileRun(events: 40)
        let options = FileSinkOptions(path: FileRun.path, rotateBytes: 300, compresses: false)
        let only = FileSink(options, disk: disk, clock: time, log: said.log)
        _ = await run.open(only)
        disk.failAll("rename", Errno.accessDenied)
        _ = await run.send(10, only)
        disk.failAll("rename", nil)
        time.jump(distance)
        time.advance(61)
        _ = await run.send(10, only)
        #expect(only.counts.rotations > 0)
    }

    @Test func `times beyond all times are the last or the first there is`() throws {
        let path = NSTemporaryDirectory() + "/connlog-date-" + UUID().uuidString
        defer { try? FileManager.default.removeItem(atPath: path) }
        _ = FileManager.default.createFile(atPath: path, contents: nil)
        for seconds in [1 << 33, -(1 << 31), 9_223_372_036, 9_223_372_037, -9_223_372_037] {
            guard OddFiles.setModified(path, seconds: seconds, nanoseconds: 1) else { continue }
            _ = try FileStatus(of: path).modified
            _ = try LocalFileSystem().status(path)?.modified
        }
        for time in [Nanoseconds.min, -1, 0, .max] {
            _ = RotatedName(of: "a.log").name(at: time, number: 1)
            try LocalFileSystem().setModified(path, time)
        }
    }
}

/// Events of all sizes through the sink, at each boundary of its own.
@Suite struct FileSizeTests {
    private static let rotateBytes = 4096
    static let sizes = [0, 1, 2, 1023, 1024, 4094, 4095, 4096, 4097, 8192, (512 << 10) - 1, 512 << 10, (1 << 20) + 1]

    @Test(arguments: sizes, [true, false])
    func `an event of any size is in a file once, alone and among small ones, over a restart and packed`(
        size: Int, compresses: Bool
    ) async throws {
        for place in [0, 1, 5, 9] {
            var events = (0..<10).map { Array("{\"n\":\($0)}".utf8) }
            events[place] = Array(repeating: UInt8(ascii: "x"), count: max(1, size))
            var run = FileRun(events)
            let disk = FileDisk()
            func sink() -> FileSink {
                let options = FileSinkOptions(
                    path: FileRun.path, rotateBytes: FileSizeTests.rotateBytes, keep: 0, compresses: compresses)
                return FileSink(options, disk: disk, clock: StillTime(), log: { _, _ in })
            }
            let first = sink()
            #expect(await run.open(first))
            #expect(await run.send(6, first))
            await first.close()
            await run.finish(sink())
            #expect(run.difference(try FileRun.lines(disk.files)) == nil, "size \(size) at \(place)")
            let large = disk.files.filter { !$0.key.hasSuffix(".gz") && $0.value.count > FileSizeTests.rotateBytes }
            // Larger than the limit is a file of one record only.
            #expect(large.allSatisfy { $0.value.count == size + 1 }, "size \(size) at \(place)")
        }
    }

    @Test func `directories and files have the wanted modes, whatever the umask`() async throws {
        let folder = NSTemporaryDirectory() + "/connlog-mode-" + UUID().uuidString
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let disk = LocalFileSystem()
        for permissions: UInt32 in [0o700, 0o750, 0o777] {
            let path = folder + "/\(permissions)"
            try disk.createDirectory(path, permissions: permissions)
            #expect(try disk.status(path)?.permissions == permissions)
        }
    }

    @Test func `a file with other names is told`() async throws {
        let folder = NSTemporaryDirectory() + "/connlog-links-" + UUID().uuidString
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let path = folder + "/out.jsonl"
        _ = FileManager.default.createFile(atPath: path, contents: nil)
        try FileManager.default.linkItem(atPath: path, toPath: folder + "/other")
        let said = Said()
        let sink = FileSink(FileSinkOptions(path: path), log: said.log)
        try await sink.open(nil)
        #expect(said.all.contains { $0.contains("1 other name (hard links)") })
        #expect(await sink.connectTrial().contains { $0.verdict == .doubtful && $0.text.contains("hard links") })
        await sink.close()
    }
}
