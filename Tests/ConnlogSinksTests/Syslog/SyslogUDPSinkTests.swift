import ConnlogCore
import ConnlogSystem
import ConnlogTestSupport
import Synchronization
import Testing

@testable import ConnlogSinks

@Suite struct SyslogUDPSinkTests {
    private func options(_ ports: Int..., bytesMax: Int = 1180) -> SyslogOptions {
        var options = SyslogOptions(ports.map { .init(host: "127.0.0.1", port: $0) })
        options.transport = .udp
        options.timeout = .seconds(60)
        options.messages.bytesMax = bytesMax
        return options
    }

    @Test func `each message is a datagram of its own, without framing`() async throws {
        let receiver = try UDPReceiver()
        let sink = SyslogUDPSink(options(receiver.port)) { _, _ in }
        // More than one system call takes, and few enough for the receiver's buffer.
        #expect(await sink.send(syslogBatch(0..<300)) == .delivered)
        let messages = receiver.datagrams().map { String(decoding: $0, as: UTF8.self) }
        #expect(eventIDs(messages) == Array(0..<300))
        #expect(messages.allSatisfy { $0.hasPrefix("<134>1 ") && !$0.contains("\n") })
        await sink.close()
    }

    @Test(arguments: [480, 1180, 2048])
    func `no datagram is larger than max_size`(bytesMax: Int) async throws {
        let receiver = try UDPReceiver()
        let sink = SyslogUDPSink(options(receiver.port, bytesMax: bytesMax)) { _, _ in }
        #expect(await sink.send(syslogBatch(0..<10, padding: 3000)) == .delivered)
        let datagrams = receiver.datagrams()
        #expect(datagrams.count == 10)
        #expect(datagrams.allSatisfy { $0.count <= bytesMax })
        #expect(datagrams.allSatisfy { String(decoding: $0, as: UTF8.self).contains(" trunc=\"1\"]") })
    }

    @Test func `a message that the network refuses for its size is cut, and those around it are not touched`()
        async throws
    {
        let receiver = try UDPReceiver()
        // More than UDP can carry: the kernel says EMSGSIZE.
        let sink = SyslogUDPSink(options(receiver.port, bytesMax: 100_000)) { _, _ in }
        var batch = syslogBatch(0..<2)
        batch.append(Array(syslogEvent(2, padding: 80_000).utf8).span)
        batch.append(Array(syslogEvent(3).utf8).span)
        #expect(await sink.send(batch) == .delivered)
        let messages = receiver.datagrams().map { String(decoding: $0, as: UTF8.self) }
        #expect(eventIDs(messages) == [0, 1, 2, 3])
        #expect(messages.map { $0.contains(" trunc=\"1\"]") } == [false, false, true, false])
        #expect(messages[2].utf8.count <= 480)
    }

    @Test func `a port that nobody listens on is a reason to retry, with the next receiver`() async throws {
        let receiver = try UDPReceiver()
        let sink = SyslogUDPSink(options(try UDPReceiver.freePort(), receiver.port)) { _, _ in }
        guard case .retry(_, let reason) = await sink.send(syslogBatch(0..<3)) else {
            Issue.record("claimed")
            return
        }
        #expect(reason.label == "connection_refused")
        #expect(await sink.send(syslogBatch(0..<3)) == .delivered)
        #expect(eventIDs(receiver.datagrams().map { String(decoding: $0, as: UTF8.self) }) == [0, 1, 2])
    }

    @Test func `a record that is no event is poison, with its number`() async throws {
        let receiver = try UDPReceiver()
        let sink = SyslogUDPSink(options(receiver.port)) { _, _ in }
        var batch = syslogBatch(0..<2)
        batch.append(Array("{}".utf8).span)
        batch.append(Array(syslogEvent(3).utf8).span)
        guard case .rejected(let at, _) = await sink.send(batch) else {
            Issue.record("not rejected")
            return
        }
        #expect(at == 2)
        #expect(receiver.datagrams().count == 2)
    }

    @Test func `of a name with several addresses the one where somebody listens is used, and told once`() async throws {
        let receiver = try UDPReceiver()
        let said = Mutex<[String]>([])
        var options = options(receiver.port)
        // Both families where the machine has both; nobody listens at the other one.
        options.receivers = [.init(host: "localhost", port: receiver.port)]
        let sink = SyslogUDPSink(options) { _, text in said.withLock { $0.append(text) } }
        for number in 0..<3 {
            #expect(await sink.send(syslogBatch(number..<(number + 1))) == .delivered)
            await sink.reopen()
        }
        #expect(eventIDs(receiver.datagrams().map { String(decoding: $0, as: UTF8.self) }) == [0, 1, 2])
        await sink.close()
        let chosen = said.withLock { $0 }.filter { $0.contains("(127.0.0.1:") || $0.contains("([::1]:") }
        #expect(chosen.count <= 6)
    }

    @Test func `the same address is told once, however often it refuses`() async throws {
        let said = Mutex<[String]>([])
        let sink = SyslogUDPSink(options(try LoopbackListener.freePort())) { _, text in
            said.withLock { $0.append(text) }
        }
        for _ in 0..<5 { #expect(word(await sink.send(syslogBatch(0..<1))) == "retry connection_refused") }
        #expect(said.withLock { $0 }.count == 1)
        await sink.close()
    }

    @Test func `an address that has refused is passed over`() throws {
        let addresses = try ["127.0.0.2", "127.0.0.3"].map { try SocketAddress.resolve($0, port: 9, .datagram)[0] }
        func connected(_ refused: Set<String>) throws -> String {
            try UDPSocket.connect(to: addresses, name: "dual.test:9", timeout: .seconds(60), except: refused).address
        }
        #expect(try connected([]) == "127.0.0.2:9")
        #expect(try connected(["127.0.0.2:9"]) == "127.0.0.3:9")
        #expect(throws: SocketError.self) { try connected(["127.0.0.2:9", "127.0.0.3:9"]) }
    }
}
