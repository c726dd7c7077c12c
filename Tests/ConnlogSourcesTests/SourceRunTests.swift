import ConnlogConfig
import ConnlogCore
import ConnlogPipeline
import ConnlogSystem
import ConnlogTestSupport
import Foundation
import Synchronization
import Testing

@testable import ConnlogSources

/// Takes everything and tells the test of it.
private final class CollectingOutput: EventOutput {
    let checkpoints: [CheckpointKey: [UInt8]] = [:]
    private let state = Mutex<(lines: [String], keys: Set<CheckpointKey>, flushes: Int)>(([], [], 0))
    let arrivals: AsyncStream<String>
    private let arrived: AsyncStream<String>.Continuation

    init() { (arrivals, arrived) = AsyncStream.makeStream() }

    var lines: [String] { state.withLock { $0.lines } }
    var keys: Set<CheckpointKey> { state.withLock { $0.keys } }
    var flushes: Int { state.withLock { $0.flushes } }

    func enqueue(_ batch: consuming EventBatch, _ checkpoints: [Checkpoint]) async throws(AppendError) {
        let batch = batch
        let texts = batch.records.map { batch.bytes.text($0.range) }
        state.withLock { state in
            state.lines += texts
            state.keys.formUnion(checkpoints.map(\.key))
        }
        for text in texts { arrived.yield(text) }
    }

    func flush() async throws(AppendError) { state.withLock { $0.flushes += 1 } }
    func makeBatch() -> EventBatch { EventBatch() }
}

@Suite struct SourceRunTests {
    private static let event =
        #"{"ts":"2025-07-03T05:09:41.929840747Z","level":"INFO","msg":"connection_log","caller":"a.go:1","func":"f","#
        + #""logger_names":["coderd"],"fields":{"ID":"8a3f1f0e-5d0b-4b53-9a51-3b1d2c4e5f60"}}"#

    private func section(_ values: [String: Value], type: String) -> Section {
        Section(
            kind: "source", name: "s", type: type, place: Place(file: "c.ini", line: 1, column: 1),
            values: values.merging(
                [
                    "format": .string("auto"), "container": .string("auto"), "max_line": .integer(1 << 20),
                    "start_at": .string("beginning"),
                ]
            ) { own, _ in own }, places: [:])
    }

    @Test func `a file source made from its section reads events once, counts and flushes`() async throws {
        let bench = try FollowerBench("*.log")
        bench.append("a.log", "hello\n" + SourceRunTests.event + "\n")
        let status = SourceStatus()
        let context = SourceContext(once: true, status: status, log: { _, _ in })
        let values = ["path": Value.list([bench.path("*.log")])]
        let source = try FileSource.make(section(values, type: "file"), context)
        let output = CollectingOutput()
        try await source.run(into: output)
        #expect(output.lines == [SourceRunTests.event])
        #expect(output.keys == [FileFollower.startedKey, "file/1"])
        #expect(output.flushes == 1)
        #expect(status.counts.events == 1 && status.counts.lines == 2 && status.counts.files == 1)
        #expect(status.counts.bytes == SourceRunTests.event.utf8.count + 7)
    }

    @Test func `a file source follows until it is cancelled`() async throws {
        let bench = try FollowerBench("*.log")
        let context = SourceContext(once: false, log: { _, _ in })
        let settings = bench.settings
        let output = CollectingOutput()
        let task = Task(executorPreference: ThreadExecutor("source test")) {
            try await FileSource(settings, context) { LineDecoder() }.run(into: output)
        }
        var arrivals = output.arrivals.makeAsyncIterator()
        for number in 0..<5 {
            bench.append("\(number % 2).log", "line \(number)\n")
            #expect(await arrivals.next() == "line \(number)")
        }
        task.cancel()
        try await task.value
    }

    @Test func `standard input is read to its end, an unterminated line too`() async throws {
        let pipe = Pipe()
        try pipe.fileHandleForWriting.write(contentsOf: Data("one\ntwo\nthree.".utf8))
        try pipe.fileHandleForWriting.close()
        let input = StreamInput(descriptor: pipe.fileHandleForReading.fileDescriptor)
        let context = SourceContext(once: false, log: { _, _ in })
        let output = CollectingOutput()
        try await StdinSource(input, context) { LineDecoder() }.run(into: output)
        #expect(output.lines == ["one", "two", "three."])
        #expect(output.flushes == 1)
        #expect(context.status.counts.events == 3)
    }

    @Test func `an entry of several lines on standard input does not wait for the next one for ever`() async throws {
        let pipe = Pipe()
        let input = StreamInput(descriptor: pipe.fileHandleForReading.fileDescriptor)
        let context = SourceContext(once: false, log: { _, _ in })
        let output = CollectingOutput()
        let task = Task(executorPreference: ThreadExecutor("stdin test")) {
            try await StdinSource(input, context, silence: .milliseconds(200)) { StreamDecoder(EventDecoder()) }
                .run(into: output)
        }
        let block =
            "2026-10-05 08:00:02.123 [info]  coderd: connection_log  ID=a0000000-0000-4000-8000-000000000007"
            + "  Type=ssh  Code=1  ConnectionStatus=disconnected ...\n    DisconnectReason= one\n"
            + "                      two\n"
        try pipe.fileHandleForWriting.write(contentsOf: Data(block.utf8))
        var arrivals = output.arrivals.makeAsyncIterator()
        #expect(await arrivals.next()?.contains("one\\ntwo") == true)
        try pipe.fileHandleForWriting.close()
        try await task.value
        #expect(output.lines.count == 1)
    }

    @Test(arguments: [(1 << 20) - 1, 1 << 20, (1 << 20) + 1, 2 << 20])
    func `a line as long as what is read at once is read whole from standard input`(size: Int) async throws {
        let bench = try FollowerBench("*.log")
        let lines = [TestEvents.line(1), TestEvents.line(5, bytes: size), TestEvents.line(6)]
        bench.append("in", lines.joined(separator: "\n") + "\n")
        let file = try #require(FileHandle(forReadingAtPath: bench.path("in")))
        let input = StreamInput(descriptor: file.fileDescriptor)
        let context = SourceContext(once: false, log: { _, _ in })
        let output = CollectingOutput()
        try await StdinSource(input, context) { StreamDecoder(EventDecoder(maxLine: size)) }.run(into: output)
        #expect(output.lines == lines)
        try file.close()
    }

    @Test func `a path that is a directory is refused with its place`() throws {
        let context = SourceContext(once: true, log: { _, _ in })
        let values = ["path": Value.list(["/var/log/"])]
        #expect(throws: Diagnostic.self) { try FileSource.make(section(values, type: "file"), context) }
    }
}
