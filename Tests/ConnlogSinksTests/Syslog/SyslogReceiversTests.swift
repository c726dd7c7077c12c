import ConnlogCore
import ConnlogSystem
import ConnlogTestSupport
import Testing

@testable import ConnlogSinks

/// Several receivers, and receivers that come and go.
@Suite struct SyslogReceiversTests {
    @Test func `each new connection begins with the first receiver that can be reached`() async throws {
        let (first, second) = (try SyslogServer(), try SyslogServer())
        let sink = SyslogTCPSink(syslogOptions(first.port, second.port)) { _, _ in }
        #expect(await sink.deliver(syslogBatch(0..<1)) == .delivered)
        first.waitForMessages(1)
        first.stop()
        #expect(await sink.deliver(syslogBatch(1..<2)) == .delivered)
        #expect(eventIDs(try await second.messages(1)) == [1])
        try first.start()
        await sink.reopen()
        #expect(await sink.deliver(syslogBatch(2..<3)) == .delivered)
        #expect(eventIDs(try await first.messages(2)) == [0, 2])
        await sink.close()
    }

    @Test func `a receiver that accepts and breaks off does not keep the next from being reached`() async throws {
        // Such as a load balancer with nobody behind it.
        let hollow = try SyslogServer { connection, _ in connection.resetAtEnd() }
        let real = try SyslogServer()
        let options = syslogOptions(hollow.port, real.port) { $0.transport = .relp }
        // RELP needs an answer, so nothing is claimed on the way.
        let relp = try SyslogServer(serve: RELPTalk.serve)
        let sink = SyslogRELPSink(syslogOptions(hollow.port, relp.port) { $0.transport = options.transport }) { _, _ in
        }
        // The reset may come while it still connects; then it tries the next one by itself.
        let outcome = await sink.deliver(syslogBatch(0..<5))
        if outcome != .delivered {
            #expect(word(outcome).hasPrefix("retry"))
            #expect(await sink.deliver(syslogBatch(0..<5)) == .delivered)
        }
        #expect(eventIDs(try await relp.messages(5)) == Array(0..<5))
        await sink.close()
    }

    @Test func `spread goes to any of them`() async throws {
        let servers = try (0..<2).map { _ in try SyslogServer() }
        let options = syslogOptions(servers[0].port, servers[1].port) {
            $0.distribution = .spread
            $0.maxConnectionAge = .nanoseconds(1)
        }
        let sink = SyslogTCPSink(options) { _, _ in }
        for number in 0..<40 { #expect(word(await sink.send(syslogBatch(number..<(number + 1)))) == "accepted") }
        await sink.close()
        let counts = servers.map(\.connections.value)
        #expect(counts.reduce(0, +) == 40 && counts.allSatisfy { $0 > 0 }, "\(counts)")
    }

    @Test func `a name is looked up for each connection, and both families are tried`() async throws {
        let server = try SyslogServer()
        var options = SyslogOptions([.init(host: "localhost", port: server.port)])
        options.timeout = .seconds(60)
        let sink = SyslogTCPSink(options) { _, _ in }
        #expect(await sink.deliver(syslogBatch(0..<1)) == .delivered)
        await sink.close()
        let nowhere = SyslogTCPSink(SyslogOptions([.init(host: "no-such-host.invalid", port: 1)])) { _, _ in }
        #expect(word(await nowhere.deliver(syslogBatch(0..<1))) == "retry not_resolved")
    }

    /// `resend_tail`, and whether what is not read is sent again.
    @Test(arguments: [(nil, true), (1 << 20, true), (0, false)] as [(Int?, Bool)])
    func `what a receiver had not read when it died is sent again, unless resend_tail is 0`(
        tail: Int?, again: Bool
    ) async throws {
        let (isRead, isDead) = (Gate(), Gate())
        let server = try SyslogServer { connection, server in
            guard server.connections.value == 1 else { return server.keepAll(of: connection) }
            _ = connection.read(atMost: 200)
            isRead.wait()
            connection.resetNow()
            isDead.open()
        }
        let sink = SyslogTCPSink(syslogOptions(server.port) { $0.resendTailBytes = tail }) { _, _ in }
        guard case .accepted(let receipt) = await sink.send(syslogBatch(0..<100)) else {
            Issue.record("not accepted")
            return
        }
        if !again { #expect(await sink.outcome(of: receipt) == .delivered) }
        isRead.open()
        isDead.wait()
        if again { #expect(word(await sink.outcome(of: receipt)).hasPrefix("retry connection_")) }
        let rest = again ? 0..<110 : 100..<110
        while await sink.deliver(syslogBatch(rest)) != .delivered {}
        await sink.close()
        #expect(eventIDs(try await server.messages(rest.count)) == Array(rest))
    }

    @Test func `a receiver that keeps what it got to itself is asked to end, and gets it again if it does not`()
        async throws
    {
        let isOver = Gate()
        let server = try SyslogServer(receiveBuffer: 256 << 10) { connection, server in
            guard server.connections.value == 1 else { return server.keepAll(of: connection) }
            isOver.wait()
        }
        let sink = SyslogTCPSink(syslogOptions(server.port) { $0.timeout = .seconds(2) }) { _, _ in }
        let outcome = await sink.deliver(syslogBatch(0..<20, padding: 1000))
        #expect(word(outcome) == "retry not_read", "\(outcome)")
        isOver.open()
        #expect(await sink.deliver(syslogBatch(0..<20)) == .delivered)
        await sink.close()
        #expect(eventIDs(try await server.messages(20)) == Array(0..<20))
    }

    @Test func `when nothing follows, the end of the connection is the proof, and nobody waits for the window`()
        async throws
    {
        let server = try SyslogServer()
        let sink = SyslogTCPSink(syslogOptions(server.port)) { _, _ in }
        for round in 1...3 {
            guard case .accepted(let receipt) = await sink.send(syslogBatch(round..<round + 1)) else {
                Issue.record("not accepted")
                return
            }
            await sink.nothingFollows()
            #expect(await sink.outcome(of: receipt) == .delivered)
            #expect(server.connections.value == round, "what follows all the same comes on a connection of its own")
        }
        await sink.close()
        #expect(eventIDs(try await server.messages(3)) == [1, 2, 3])
    }

    @Test func `a receiver that does not end its connection is known by its window, and sent nothing twice`()
        async throws
    {
        let isOver = Gate()
        let server = try SyslogServer { connection, server in
            server.keepAll(of: connection)
            isOver.wait()
        }
        let sink = SyslogTCPSink(syslogOptions(server.port) { $0.timeout = .seconds(2) }) { _, _ in }
        var outcomes: [String] = []
        for _ in 0..<2 {
            let number = outcomes.count
            guard case .accepted(let receipt) = await sink.send(syslogBatch(number..<number + 1)) else { break }
            await sink.nothingFollows()
            outcomes.append(word(await sink.outcome(of: receipt)))
        }
        #expect(outcomes == ["delivered", "delivered"])
        isOver.open()
        await sink.close()
        #expect(eventIDs(try await server.messages(2)) == [0, 1])
    }

    @Test func `one that leaves much unread gets no more until it reads`() async throws {
        let isReading = Gate()
        let server = try SyslogServer(receiveBuffer: 4 << 20) { connection, server in
            isReading.wait()
            server.keepAll(of: connection)
        }
        let sink = SyslogTCPSink(syslogOptions(server.port)) { _, _ in }
        let sending = Task(executorPreference: ThreadExecutor("sink")) {
            var receipts: [Receipt] = []
            for start in stride(from: 0, to: 4000, by: 500) {
                guard case .accepted(let receipt) = await sink.send(syslogBatch(start..<start + 500, padding: 6000))
                else { return false }
                receipts.append(receipt)
            }
            for receipt in receipts where await sink.outcome(of: receipt) != .delivered { return false }
            return true
        }
        isReading.open()
        #expect(await sending.value)
        await sink.close()
        #expect(eventIDs(try await server.messages(4000)) == Array(0..<4000))
    }

    // MARK: check --connect, check --send

    private func findings(_ sink: any Sink) async -> [TrialFinding] {
        var findings = await sink.connectTrial()
        if findings.allSatisfy({ $0.verdict != .failed }) {
            findings = await sink.sendTrial(syslogBatch(0..<1))
        }
        await sink.close()
        return findings
    }

    @Test func `check tells of each receiver whether it can be reached`() async throws {
        let server = try SyslogServer()
        let sink = SyslogTCPSink(syslogOptions(server.port, try LoopbackListener.freePort())) { _, _ in }
        let findings = await sink.connectTrial()
        #expect(findings.map(\.verdict) == [.good, .failed])
        #expect(findings[1].text.contains("is the receiver running"))
    }

    @Test func `check sends one event, and says what that proves`() async throws {
        let tcp = try SyslogServer()
        let sent = await findings(SyslogTCPSink(syslogOptions(tcp.port)) { _, _ in })
        #expect(sent.map(\.verdict) == [.good])
        #expect(sent[0].text.contains("has read the test event"))
        #expect(eventIDs(try await tcp.messages(1)) == [0])
        let relp = try SyslogServer(serve: RELPTalk.serve)
        let answered = await findings(SyslogRELPSink(syslogOptions(relp.port) { $0.transport = .relp }) { _, _ in })
        #expect(answered.map(\.verdict) == [.good])
        #expect(answered[0].text.contains("answered for the test event with 200"))
        let udp = try UDPReceiver()
        let hoped = await findings(SyslogUDPSink(syslogOptions(udp.port) { $0.transport = .udp }) { _, _ in })
        #expect(hoped.map(\.verdict) == [.doubtful])
        #expect(udp.datagrams().count == 1)
    }

    @Test func `check suspects the framing when a receiver closes after the event, and the port when it talks`()
        async throws
    {
        let closing = try SyslogServer { connection, _ in _ = connection.read() }
        let closed = await findings(SyslogTCPSink(syslogOptions(closing.port)) { _, _ in })
        #expect(closed.map(\.verdict) == [.failed])
        #expect(closed[0].text.contains("framing = lf"), "\(closed)")
        let talking = try SyslogServer { connection, server in
            connection.write(Array("HTTP/1.1 400 Bad Request\r\n".utf8))
            server.keepAll(of: connection)
        }
        let talked = await findings(SyslogTCPSink(syslogOptions(talking.port)) { _, _ in })
        #expect(talked.map(\.verdict) == [.failed])
        #expect(talked[0].text.contains("HTTP/1.1 400"), "\(talked)")
    }
}
