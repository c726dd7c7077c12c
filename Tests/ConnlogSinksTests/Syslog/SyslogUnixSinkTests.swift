import ConnlogCore
import ConnlogSystem
import ConnlogTestSupport
import Foundation
import Testing

@testable import ConnlogSinks

@Suite struct SyslogUnixSinkTests {
    private let folder: String

    init() throws { folder = try LocalReceiver.folder() }

    private func options(_ change: (inout SyslogOptions) -> Void = { _ in }) -> SyslogOptions {
        var options = SyslogOptions([])
        options.transport = .unix
        options.path = folder + "/log"
        options.timeout = .seconds(60)
        options.legacy = RFC3164Options()
        options.legacy?.hasHostname = false
        options.legacy?.zone = .utc
        options.messages.pid = 7
        options.messages.bytesMax = 8192
        change(&options)
        return options
    }

    @Test(arguments: [false, true])
    func `everything is read once and in order when it counts as delivered`(isStream: Bool) async throws {
        let receiver = try LocalReceiver(folder + "/log", isStream: isStream)
        let received = Received()
        let count = 500
        ConnlogSystem.Thread.start("reader") {
            var connection = receiver.accept()
            while received.all.count(where: { $0 == 0x0a }) < count {
                let bytes = receiver.read(connection)
                received.add(bytes + (isStream ? [] : [0x0a]))
                // The trial's connection comes first, and says nothing.
                if isStream, bytes.isEmpty { connection = receiver.accept() }
            }
        }
        let sink = SyslogUnixSink(options()) { _, _ in }
        #expect(await sink.connectTrial().map(\.verdict) == [.good])
        #expect(await sink.send(syslogBatch(0..<count)) == .delivered)
        let lines = await eventually {
            let lines = String(decoding: received.all, as: UTF8.self).split(separator: "\n")
            return lines.count == count ? lines : nil
        }
        let ids = (lines ?? []).compactMap { $0.split(separator: " eid=").last.flatMap { Int($0) } }
        #expect(ids == Array(0..<count))
        #expect(lines?.first?.contains(" coder[7]: ssh session to w closed: one#012two eid=0") ?? false)
        await sink.close()
    }

    @Test(arguments: [false, true])
    func `a reader that takes nothing gets no credit and holds nobody up for longer than the timeout`(isStream: Bool)
        async throws
    {
        let receiver = try LocalReceiver(folder + "/log", isStream: isStream)
        let sink = SyslogUnixSink(options { $0.timeout = .milliseconds(200) }) { _, _ in }
        #expect(word(await sink.send(syslogBatch(0..<1))) == "retry timeout")
        #expect(word(await sink.send(syslogBatch(0..<2000))) == "retry timeout")
        #expect(receiver.path == folder + "/log")
        await sink.close()
    }

    @Test func `a reader that goes away with messages unread makes them be sent again`() async throws {
        var first: LocalReceiver? = try LocalReceiver(folder + "/log", isStream: false)
        let sink = SyslogUnixSink(options { $0.timeout = .seconds(30) }) { _, _ in }
        let task = Task(executorPreference: ThreadExecutor("sink")) { await sink.send(syslogBatch(0..<3)) }
        // One is read, and then the reader dies with what the others left in its queue.
        if let first { _ = first.read(first.accept()) }
        first = nil
        #expect(word(await task.value).hasPrefix("retry"))
        let missing = await sink.send(syslogBatch(0..<3))
        #expect(word(missing) == "retry socket_missing")
        #expect(text(missing).contains("is the log daemon running"))
        let second = try LocalReceiver(folder + "/log", isStream: false)
        let received = Received()
        ConnlogSystem.Thread.start("reader") { for _ in 0..<3 { received.add(second.read(second.accept())) } }
        #expect(await sink.send(syslogBatch(0..<3)) == .delivered)
        await sink.close()
    }
}
