import ConnlogCore
import ConnlogSystem
import ConnlogTestSupport
import Foundation
import Testing

@testable import ConnlogSinks

@Suite struct FileTrialTests {
    private let folder = FileManager.default.temporaryDirectory.appending(path: "trial-\(UUID().uuidString)")

    private func run<Value>(_ body: (String) async throws -> Value) async throws -> Value {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        return try await body(folder.path)
    }

    private func sink(_ path: String, rotateBytes: Int = 1024) -> FileSink {
        FileSink(FileSinkOptions(path: path, rotateBytes: rotateBytes), log: { _, _ in })
    }

    private func names(_ path: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: path).sorted()
    }

    @Test func `a new file in a good directory is fine, and nothing is left behind`() async throws {
        try await run { path in
            let findings = await sink(path + "/events.jsonl").connectTrial()
            #expect(findings.allSatisfy { $0.verdict == .good }, "\(findings)")
            #expect(findings.contains { $0.text.contains("does not exist yet; it will be made with mode 0640") })
            let left = try names(path)
            #expect(left.isEmpty)
        }
    }

    @Test func `a directory that is missing is not made`() async throws {
        try await run { path in
            let findings = await sink(path + "/a/b/events.jsonl").connectTrial()
            #expect(findings.allSatisfy { $0.verdict == .good }, "\(findings)")
            #expect(findings[0].text.contains("\(path)/a/b does not exist; connlog will make it under \(path)"))
            let left = try names(path)
            #expect(left.isEmpty)
        }
    }

    @Test func `a file on the way to the directory, a symbolic link and a directory as the file fail`() async throws {
        try await run { path in
            try "x".write(toFile: path + "/plain", atomically: false, encoding: .utf8)
            try FileManager.default.createSymbolicLink(atPath: path + "/link", withDestinationPath: path + "/plain")
            for (name, word) in [("plain/events.jsonl", "directory"), ("link", "symbolic link"), (".", "directory")] {
                let findings = await sink("\(path)/\(name)").connectTrial()
                #expect(findings.map(\.verdict) == [.failed] && findings[0].text.contains(word), "\(name): \(findings)")
            }
        }
    }

    @Test(arguments: ["write", "fdatasync"])
    func `a disk that refuses is told, and the scratch file is gone`(call: String) throws {
        let disk = FileDisk()
        disk.failAll(call, Errno.noSpace)
        let scratch = ScratchFile("events.jsonl", in: ".", disk: disk)
        let thrown = #expect(throws: SystemError.self) { try scratch.roundTrip(ByteBuffer("x".utf8)) }
        let error = try #require(thrown)
        #expect(error.code == Errno.noSpace && disk.files.isEmpty)
        #expect(Reason(file: error).trialText.hasSuffix("free some space or lower 'keep'"))
    }

    @Test func `less room than one file may need is doubtful`() async throws {
        try await run { path in
            let findings = await sink(path + "/events.jsonl", rotateBytes: .max - 1).connectTrial()
            #expect(
                findings.contains { $0.verdict == .doubtful && $0.text.contains("less than one file of rotate_size") })
        }
    }

    @Test func `other permissions than configured are told`() async throws {
        try await run { path in
            let file = path + "/events.jsonl"
            #expect(FileManager.default.createFile(atPath: file, contents: nil, attributes: [.posixPermissions: 0o600]))
            let findings = await sink(file).connectTrial()
            #expect(findings.contains { $0.verdict == .doubtful && $0.text.contains("mode 0600") }, "\(findings)")
        }
    }

    @Test func `a test event leaves the file alone and is shown as it would be written`() async throws {
        try await run { path in
            let file = path + "/events.jsonl"
            try "kept\n".write(toFile: file, atomically: false, encoding: .utf8)
            let findings = await sink(file).sendTrial(TestEvents.batch([4]))
            #expect(findings.map(\.verdict) == [.good] && findings[0].text.hasSuffix("the line: \(TestEvents.line(4))"))
            let (left, text) = (try names(path), try String(contentsOfFile: file, encoding: .utf8))
            #expect(left == ["events.jsonl"] && text == "kept\n")
        }
    }

    @Test func `nothing is written to what is no regular file`() async throws {
        let sink = sink("/dev/null")
        #expect(await sink.connectTrial().map(\.verdict) == [.doubtful])
        let findings = await sink.sendTrial(TestEvents.batch([4]))
        #expect(
            findings.map(\.verdict) == [.doubtful] && findings[0].text.hasPrefix("nothing was written to /dev/null"))
    }

    @Test func `devices are told from files by where they lie`() {
        for path in ["/dev/stdout", "/dev/null", "/proc/self/fd/1", "/dev/shmooze"] { #expect(DevicePath.isOne(path)) }
        for path in ["/dev/shm/x.log", "/var/log/dev/x", "/devices/x"] { #expect(!DevicePath.isOne(path)) }
    }
}
