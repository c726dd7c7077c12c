import ConnlogCore
import ConnlogSystem
import ConnlogTestSupport
import Foundation
import Testing

@testable import ConnlogSinks

@Suite struct FileSinkTests {
    private let time = StillTime()
    private let said = Said()
    private let disk = FileDisk()

    private func sink(_ disk: FileDisk? = nil, size: Int = 1 << 20, keep: Int = 0, compresses: Bool = false) -> FileSink
    {
        let options = FileSinkOptions(path: FileRun.path, rotateBytes: size, keep: keep, compresses: compresses)
        return FileSink(options, disk: disk ?? self.disk, clock: time, log: said.log)
    }

    @Test func `it keeps the contract of all sinks`() async throws {
        try await SinkContract.check {
            let disk = FileDisk()
            return ContractSubject(
                sink: FileSink(FileSinkOptions(path: FileRun.path), disk: disk, clock: time, log: said.log),
                received: { try FileRun.lines(disk.files) },
                setFailing: { disk.failAll("write", $0 ? Errno.noSpace : nil) },
                record: { (Array("{\"n\":\($0)}".utf8), "{\"n\":\($0)}") })
        }
    }

    @Test(arguments: SIEMFormat.allCases) func `a format of its own is rotated and found again like any other`(
        format: SIEMFormat
    ) async throws {
        var run = FileRun((0..<60).map { Array(TestEvents.line($0).utf8) })
        func sink() -> FileSink {
            let options = FileSinkOptions(
                path: FileRun.path, format: .siem(SIEMEncoder(format, hostname: "coder-1")), rotateBytes: 4096, keep: 0,
                compresses: false)
            return FileSink(options, disk: disk, clock: time, log: said.log)
        }
        let first = sink()
        _ = await run.open(first)
        _ = await run.send(20, first)
        _ = await run.commit(first)
        // Sent, and not committed: it is in the file when the next one looks.
        _ = await run.send(7, first)
        await first.close()
        await run.finish(sink())
        var encoder = SIEMEncoder(format, hostname: "coder-1")
        let wanted = (0..<60).map { number in
            var line = ByteBuffer()
            _ = encoder.append(Array(TestEvents.line(number).utf8).span, to: &line)
            return line.text
        }
        #expect(disk.files.count > 3)
        #expect(try FileRun.lines(disk.files) == wanted)
    }

    @Test func `a line of somebody else stays where it was put, while connlog runs and while it does not`() async throws
    {
        var run = FileRun(events: 9)
        let first = sink()
        _ = await run.open(first)
        _ = await run.send(3, first)
        disk.edit(FileRun.path) { $0 += Array("by hand\n".utf8) }
        _ = await run.send(3, first)
        _ = await run.commit(first)
        await first.close()
        disk.edit(FileRun.path) { $0 += Array("torn".utf8) }
        let second = sink()
        await run.finish(second)
        let expected = run.expected
        let lines = try FileRun.lines(disk.files)
        var wanted = Array(expected[0..<3])
        wanted.append("by hand")
        wanted += expected[3..<6]
        wanted.append("torn")
        wanted += expected[6..<9]
        #expect(lines == wanted)
        #expect(first.counts.foreignChanges == 1)
        #expect(second.counts.foreignChanges == 1 && second.counts.tornLines == 1)
    }

    @Test func `events that nobody wants any more do not leave the wanted ones there twice`() async throws {
        var run = FileRun(events: 9)
        let first = sink()
        _ = await run.open(first)
        _ = await run.send(2, first)
        _ = await run.commit(first)
        _ = await run.send(7, first)
        let after = disk.afterDeath()
        let second = sink(after)
        try await second.open(run.state)
        // Those between the second and the sixth were dropped from the queue meanwhile.
        #expect(await second.send(FileRun.batch(run.events[6...])) == .delivered)
        await second.close()
        let lines = try FileRun.lines(after.files)
        #expect(lines == Array(run.expected[0..<2]) + Array(run.expected[6...]))
        #expect(second.counts.tailsSetAside == 1)
    }

    @Test func `a file begun after a rotation is not taken for the committed one, however alike their lines are`()
        async throws
    {
        var run = FileRun(events: 12, alike: true)
        let first = sink(size: 200)
        _ = await run.open(first)
        // The first file is full and committed; the second is full as well, and no commit speaks of it.
        _ = await run.send(6, first)
        #expect(first.counts.rotations == 1)
        await first.close()
        await run.finish(sink(size: 200))
        #expect(run.difference(try FileRun.lines(disk.files)) == nil)
    }

    @Test func `a file that was cut is noticed, and lines go to its end`() async throws {
        var run = FileRun(events: 6)
        let first = sink()
        _ = await run.open(first)
        _ = await run.send(3, first)
        _ = await run.commit(first)
        disk.edit(FileRun.path) { $0.removeAll() }
        let second = sink()
        await run.finish(second)
        #expect(try FileRun.lines(disk.files) == Array(run.expected[3...]))
        #expect(second.counts.foreignChanges == 1)
    }

    @Test func `a full disk leaves whole lines only and repeats nothing afterwards`() async throws {
        var run = FileRun(events: 6)
        let only = sink()
        _ = await run.open(only)
        _ = await run.send(3, only)
        let whole = disk.files[FileRun.path]
        disk.fail(disk.calls + 1, .short)
        disk.fail(disk.calls + 2, .error(Errno.noSpace))
        #expect(await run.send(3, only) == false)
        #expect(run.problems.last?.label == "disk_full")
        #expect(disk.files[FileRun.path] == whole)
        #expect(await run.send(3, only))
        #expect(try FileRun.lines(disk.files) == run.expected)
    }

    @Test func `a file is rotated before the record that would not fit, and at midnight UTC`() async throws {
        var run = FileRun(events: 8)
        let only = sink(size: 250)
        _ = await run.open(only)
        _ = await run.send(4, only)
        time.advance(86_400)
        _ = await run.send(4, only)
        _ = await run.commit(only)
        await only.close()
        #expect(try FileRun.lines(disk.files) == run.expected)
        let sizes = disk.files.mapValues(\.count)
        #expect(sizes.values.allSatisfy { $0 <= 250 })
        let names = disk.files.keys.sorted()
        #expect(names.first == "/log/connections-20260115T093012.480Z.1.jsonl")
        #expect(names.contains("/log/connections-20260116T093012.480Z.2.jsonl"))
        #expect(only.counts.rotations == names.count - 1)
    }

    @Test func `only the newest rotated files stay, compressed, and no others are touched`() async throws {
        let others = ["/log/connections-notes.jsonl", "/log/connections-20260115T093012.480Z.x.jsonl", "/log/a.gz"]
        for other in others { disk.edit(other) { $0 = [1] } }
        var run = FileRun(events: 40)
        let only = sink(size: 400, keep: 2, compresses: true)
        _ = await run.open(only)
        _ = await run.send(40, only)
        _ = await run.commit(only)
        await only.close()
        let names = Set(disk.files.keys)
        #expect(names.isSuperset(of: others))
        #expect(names.count == others.count + 3)
        #expect(names.filter { $0.hasSuffix(".jsonl.gz") }.count == 2)
        let lines = try FileRun.lines(disk.files)
        #expect(lines == run.expected.suffix(lines.count))
        #expect(only.counts.pruned == only.counts.rotations - 2)
    }

    @Test func `a rotation that fails does not stop the events`() async throws {
        var run = FileRun(events: 20)
        let only = sink(size: 300)
        _ = await run.open(only)
        disk.failAll("rename", Errno.accessDenied)
        _ = await run.send(20, only)
        _ = await run.commit(only)
        #expect(try FileRun.lines(disk.files) == run.expected)
        #expect(only.counts.rotationFailures == 1)
    }

    @Test(arguments: ["connections", "connections.jsonl", ".hidden", "a.b.log"])
    func `only names of exactly our form are read as rotated files`(name: String) {
        let pattern = RotatedName(of: name)
        let made = pattern.name(at: StillTime.start, number: 17)
        #expect(pattern.parse(made)?.number == 17)
        #expect(pattern.parse(made + ".gz")?.plainName == made)
        #expect(pattern.parse(made + ".gz.tmp")?.isTemporary == true)
        for wrong in [name, "x" + made, made + ".bak", made + ".tmp", made.replacing(".17", with: ".017")] {
            #expect(pattern.parse(wrong) == nil, "\(wrong)")
        }
    }

    @Test func `a commit reads back, and a longer or newer one is refused`() {
        let commit = FileCommit(
            identity: FileIdentity(device: 7, inode: .max), length: 1 << 40, begun: -5, rotation: 9, marker: 0xdead_beef
        )
        #expect(FileCommit(commit.encoded) == commit)
        #expect(FileCommit(commit.encoded + [0]) == nil)
        #expect(FileCommit([2] + commit.encoded.dropFirst()) == nil)
    }
}

/// On the machine's own disk.
@Suite struct FileSinkDiskTests {
    private let directory = NSTemporaryDirectory() + "/connlog-file-" + UUID().uuidString

    private func sink(_ path: String, _ permissions: UInt32 = 0o640) -> FileSink {
        FileSink(FileSinkOptions(path: path, rotateBytes: 300, permissions: permissions)) { _, _ in }
    }

    private func mode(_ path: String) throws -> Int? {
        try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
    }

    @Test func `real files are made with the wanted mode, rotated, compressed and complete`() async throws {
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let path = directory + "/deep/connections.jsonl"
        var run = FileRun(events: 12)
        let only = sink(path, 0o666)
        #expect(await run.open(only))
        _ = await run.send(12, only)
        _ = await run.commit(only)
        await only.close()
        let names = try FileManager.default.contentsOfDirectory(atPath: directory + "/deep")
        var files: [String: [UInt8]] = [:]
        for name in names {
            let whole = directory + "/deep/" + name
            files[whole] = Array(try Data(contentsOf: URL(fileURLWithPath: whole)))
            // Wider than any umask lets through.
            #expect(try mode(whole) == 0o666)
        }
        #expect(names.count > 2 && names.filter { $0.hasSuffix(".gz") }.count == names.count - 1)
        #expect(try FileRun.lines(files, path: path) == run.expected)
    }

    @Test func `a symbolic link, a directory and a place without permission are told, with the next step`() async throws
    {
        defer { try? FileManager.default.removeItem(atPath: directory) }
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        try FileManager.default.createSymbolicLink(atPath: directory + "/link", withDestinationPath: "/etc/passwd")
        for (path, label) in [("/link", "symbolic_link"), ("", "is_directory")] {
            var run = FileRun(events: 1)
            #expect(await run.open(sink(directory + path)) == false)
            #expect(run.problems.last?.label == label)
        }
    }

    @Test func `dev null takes everything and is never rotated`() async throws {
        var run = FileRun(events: 50)
        let only = sink("/dev/null")
        #expect(await run.open(only))
        #expect(await run.send(50, only))
        #expect(await run.commit(only))
        #expect(only.counts.events == 50 && only.counts.rotations == 0)
        await only.close()
    }
}
