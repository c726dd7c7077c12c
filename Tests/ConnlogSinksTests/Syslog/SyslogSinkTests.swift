import ConnlogCore
import ConnlogSystem
import ConnlogTestSupport
import Foundation
import Synchronization
import Testing

@testable import ConnlogSinks

/// What a server on a thread of its own has received.
final class Received: Sendable {
    private let bytes = Mutex<[UInt8]>([])

    func add(_ more: [UInt8]) { bytes.withLock { $0 += more } }
    var all: [UInt8] { bytes.withLock { $0 } }
}

/// Waits on a server's thread until a test says go.
final class Gate: Sendable {
    private let semaphore = DispatchSemaphore(value: 0)

    func open() { semaphore.signal() }
    func wait() { semaphore.wait() }
    func waitAMoment() { _ = semaphore.wait(timeout: .now() + .milliseconds(1)) }
}

func syslogEvent(_ number: Int, padding: Int = 0) -> String {
    let pad = String(repeating: "x", count: padding)
    return
        "{\"msg\":\"connection_log\",\"fields\":{\"ID\":\"\(number)\",\"Type\":\"ssh\",\"WorkspaceName\":\"w\(pad)\","
        + "\"DisconnectReason\":\"one\\ntwo\",\"ConnectionStatus\":\"disconnected\"}}"
}

func syslogBatch(_ numbers: Range<Int>, padding: Int = 0) -> EventBatch {
    var batch = EventBatch()
    for number in numbers { batch.append(Array(syslogEvent(number, padding: padding).utf8).span) }
    return batch
}

/// The messages of an octet-counted stream; what is left of a cut one is not told.
func octetCounted(_ bytes: [UInt8]) throws -> [String] {
    var messages: [String] = []
    var rest = bytes[...]
    while let blank = rest.firstIndex(of: UInt8(ascii: " ")) {
        let digits = String(decoding: rest[..<blank], as: UTF8.self)
        let length = try #require(Int(digits), "'\(digits)' is no length")
        #expect(digits.first != "0")
        guard rest.endIndex - (blank + 1) >= length else { break }
        messages.append(String(decoding: rest[(blank + 1)..<(blank + 1 + length)], as: UTF8.self))
        rest = rest[(blank + 1 + length)...]
    }
    return messages
}

/// The event ids of messages, in order.
func eventIDs(_ messages: [String]) -> [Int] {
    messages.compactMap { message in
        guard let start = message.range(of: " eid=\"") else { return nil }
        return Int(message[start.upperBound...].prefix { $0 != "\"" })
    }
}

func syslogOptions(_ ports: Int..., change: (inout SyslogOptions) -> Void = { _ in }) -> SyslogOptions {
    var options = SyslogOptions(ports.map { .init(host: "127.0.0.1", port: $0) })
    options.timeout = .seconds(60)
    change(&options)
    return options
}

extension Sink {
    /// Sends and waits for the proof.
    func deliver(_ batch: EventBatch) async -> SendOutcome {
        let outcome = await send(batch)
        guard case .accepted(let receipt) = outcome else { return outcome }
        return await self.outcome(of: receipt)
    }
}

@Suite struct SyslogTCPSinkTests {
    /// A server that keeps all it gets.
    private func reader(_ received: Received) throws -> LoopbackListener {
        try LoopbackListener { connection in
            while true {
                let bytes = connection.read(atMost: 1 << 16)
                if bytes.isEmpty { return }
                received.add(bytes)
            }
        }
    }

    private func label(_ outcome: SendOutcome) -> String? {
        guard case .retry(_, let reason) = outcome else { return nil }
        return reason.label
    }

    @Test(arguments: SyslogOptions.Framing.allCases)
    func `everything arrives once and in order, framed as asked for`(framing: SyslogOptions.Framing) async throws {
        let received = Received()
        let server = try reader(received)
        defer { server.stop() }
        let sink = SyslogTCPSink(syslogOptions(server.port) { $0.framing = framing }) { _, _ in }
        for start in stride(from: 0, to: 3000, by: 1000) {
            #expect(await sink.deliver(syslogBatch(start..<(start + 1000))) == .delivered)
        }
        await sink.close()
        let all = received.all
        let messages =
            framing == .lf
            ? String(decoding: all, as: UTF8.self).split(separator: "\n").map(String.init) : try octetCounted(all)
        #expect(eventIDs(messages) == Array(0..<3000))
        // A line break in a value never reaches the wire.
        #expect(messages.allSatisfy { $0.contains("one#012two") })
        if framing == .lf { #expect(all.count { $0 == 0x0a } == 3000) }
    }

    @Test func `batches in flight at once keep their order`() async throws {
        let received = Received()
        let server = try reader(received)
        defer { server.stop() }
        let sink = SyslogTCPSink(syslogOptions(server.port)) { _, _ in }
        var receipts: [Receipt] = []
        for start in stride(from: 0, to: 2000, by: 500) {
            guard case .accepted(let receipt) = await sink.send(syslogBatch(start..<(start + 500))) else {
                Issue.record("not accepted")
                return
            }
            receipts.append(receipt)
        }
        for receipt in receipts { #expect(await sink.outcome(of: receipt) == .delivered) }
        await sink.close()
        #expect(eventIDs(try octetCounted(received.all)) == Array(0..<2000))
    }

    @Test func `nobody listening is told as refused, and nothing is claimed`() async throws {
        let port = try LoopbackListener.freePort()
        let sink = SyslogTCPSink(syslogOptions(port)) { _, _ in }
        #expect(label(await sink.deliver(syslogBatch(0..<1))) == "connection_refused")
    }

    @Test func `of two receivers the one that works is used`() async throws {
        let received = Received()
        let server = try reader(received)
        defer { server.stop() }
        let sink = SyslogTCPSink(syslogOptions(try LoopbackListener.freePort(), server.port)) { _, _ in }
        #expect(await sink.deliver(syslogBatch(0..<5)) == .delivered)
        await sink.close()
        #expect(eventIDs(try octetCounted(received.all)) == Array(0..<5))
    }

    @Test func `a receiver that reads nothing gets no more credit than its kernel gave`() async throws {
        let gate = Gate()
        let received = Received()
        let server = try LoopbackListener { connection in
            gate.wait()
            while true {
                let bytes = connection.read(atMost: 1 << 16)
                if bytes.isEmpty { return }
                received.add(bytes)
            }
        }
        defer { server.stop() }
        let sink = SyslogTCPSink(syslogOptions(server.port) { $0.timeout = .milliseconds(400) }) { _, _ in }
        // More than all kernel buffers on the way hold.
        var delivered = 0
        var stalled: SendOutcome?
        let size = 100
        while stalled == nil, delivered < 4000 {
            switch await sink.deliver(syslogBatch(delivered..<(delivered + size), padding: 10_000)) {
            case .delivered: delivered += size
            case .deliveredPrefix(let count):
                delivered += count
                stalled = .delivered
            case let outcome: stalled = outcome
            }
        }
        #expect(stalled != nil)
        // What was claimed is in the peer's kernel: the process finds it there, though it reads only now.
        gate.open()
        await sink.close()
        let ids = await eventually(received, count: delivered)
        #expect(Set(ids).isSuperset(of: 0..<delivered), "claimed \(delivered), found \(ids.count)")
    }

    /// The ids received, as soon as there are `count`.
    private func eventually(_ received: Received, count: Int) async -> [Int] {
        let deadline = ContinuousClock.now + Waiting.patience
        while true {
            let ids = eventIDs((try? octetCounted(received.all)) ?? [])
            if Set(ids).count >= count || ContinuousClock.now > deadline { return ids }
            await Waiting.moment()
        }
    }

    @Test(arguments: [false, true])
    func `a receiver that goes away in the middle makes the rest be sent again`(resets: Bool) async throws {
        let received = Received()
        let counter = Counter(connections: 0)
        // Its kernel holds less than a batch, so that the break is sure to fall into one and not between two.
        let server = try LoopbackListener(receiveBuffer: 64 << 10) { connection in
            let isFirst = counter.next() == 1
            var left = isFirst ? 300_000 : Int.max
            while left > 0 {
                let bytes = connection.read(atMost: min(left, 1 << 16))
                if bytes.isEmpty { return }
                if !isFirst { received.add(bytes) }
                left -= bytes.count
            }
            if resets { connection.resetAtEnd() }
        }
        defer { server.stop() }
        let sink = SyslogTCPSink(syslogOptions(server.port)) { _, _ in }
        var next = 0
        var breaks = 0
        while next < 2000 {
            let end = min(next + 500, 2000)
            switch await sink.deliver(syslogBatch(next..<end, padding: 1000)) {
            case .delivered: next = end
            case .deliveredPrefix(let count):
                next += count
                breaks += 1
            case .retry: breaks += 1
            case let outcome: Issue.record("\(outcome)")
            }
            if breaks > 20 { break }
        }
        await sink.close()
        #expect(next == 2000)
        #expect(breaks >= 1)
        let ids = eventIDs(try octetCounted(received.all))
        // The second connection has everything from some point on, in order and without a gap.
        let first = try #require(ids.first)
        #expect(ids == Array(first..<2000))
    }

    @Test func `a connection that was closed between two batches costs nothing`() async throws {
        let received = Received()
        let (isProven, closed) = (Gate(), Gate())
        let counter = Counter(connections: 0)
        let server = try LoopbackListener { connection in
            let isFirst = counter.next() == 1
            repeat {
                let bytes = connection.read(atMost: 1 << 16)
                if bytes.isEmpty { return }
                received.add(bytes)
            } while !isFirst
            isProven.wait()
            connection.shutDown()
            closed.open()
        }
        defer { server.stop() }
        let sink = SyslogTCPSink(syslogOptions(server.port)) { _, _ in }
        #expect(await sink.deliver(syslogBatch(0..<1)) == .delivered)
        isProven.open()
        closed.wait()
        #expect(await sink.deliver(syslogBatch(1..<2)) == .delivered)
        await sink.close()
        #expect(counter.value == 2)
        #expect(eventIDs(try octetCounted(received.all)) == [0, 1])
    }

    @Test func `a record that is no event is poison, and the ones before it are delivered first`() async throws {
        let received = Received()
        let server = try reader(received)
        defer { server.stop() }
        let sink = SyslogTCPSink(syslogOptions(server.port)) { _, _ in }
        var batch = syslogBatch(0..<3)
        batch.append(Array("{}".utf8).span)
        guard case .rejected(let at, let reason) = await sink.deliver(batch) else {
            Issue.record("not rejected")
            return
        }
        #expect(at == 3 && reason.label == "not_an_event")
        await sink.close()
        #expect(eventIDs(try octetCounted(received.all)) == [0, 1, 2])
    }

    @Test func `an old connection is ended in good order and made anew`() async throws {
        let received = Received()
        let counter = Counter(connections: 0)
        let server = try LoopbackListener { connection in
            _ = counter.next()
            while true {
                let bytes = connection.read(atMost: 1 << 16)
                if bytes.isEmpty { return }
                received.add(bytes)
            }
        }
        defer { server.stop() }
        let sink = SyslogTCPSink(syslogOptions(server.port) { $0.maxConnectionAge = .nanoseconds(1) }) { _, _ in }
        for number in 0..<5 { #expect(await sink.deliver(syslogBatch(number..<(number + 1))) == .delivered) }
        await sink.close()
        #expect(counter.value == 5)
        #expect(eventIDs(try octetCounted(received.all)).sorted() == Array(0..<5))
    }

    @Test func `a cancelled task gets out of a receiver that hangs`() async throws {
        let gate = Gate()
        let server = try LoopbackListener { _ in gate.wait() }
        defer {
            gate.open()
            server.stop()
        }
        let sink = SyslogTCPSink(syslogOptions(server.port) { $0.timeout = .seconds(3600) }) { _, _ in }
        let task = Task(executorPreference: ThreadExecutor("sink")) {
            while !Task.isCancelled {
                guard case .delivered = await sink.deliver(syslogBatch(0..<100, padding: 10_000)) else { return true }
            }
            return true
        }
        task.cancel()
        #expect(await task.value)
    }
}

/// Counts on several threads.
final class Counter: Sendable {
    private let count: Atomic<Int>

    init(connections: Int) { count = Atomic(connections) }
    func next() -> Int { count.add(1, ordering: .relaxed).newValue }
    var value: Int { count.load(ordering: .relaxed) }
}
