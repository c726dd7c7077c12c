import ConnlogCore
import ConnlogSystem
import ConnlogTestSupport
import Synchronization
import Testing

@testable import ConnlogSinks

@Suite struct SyslogRELPSinkTests {
    private func options(_ port: Int, _ change: (inout SyslogOptions) -> Void = { _ in }) -> SyslogOptions {
        syslogOptions(port) {
            $0.transport = .relp
            change(&$0)
        }
    }

    /// Delivers these events as the delivery would, whatever happens on the way.
    /// - Returns: the numbers of those that were refused.
    private func deliverAll(_ sink: any Sink, _ numbers: Range<Int>, size: Int) async -> [Int] {
        var refused: [Int] = []
        var next = numbers.lowerBound
        var failures = 0
        var end = min(next + size, numbers.upperBound)
        while next < numbers.upperBound, failures < 50 {
            switch await sink.deliver(syslogBatch(next..<end)) {
            case .delivered: next = end
            case .deliveredPrefix(let count): next += count
            case .rejected(let at?, _):
                refused.append(next + at)
                next += at + 1
            default: failures += 1
            }
            if next == end { end = min(next + size, numbers.upperBound) }
        }
        #expect(next == numbers.upperBound)
        return refused
    }

    @Test(arguments: [1, 7, 1000])
    func `everything arrives once and in order, with any window, and the session is closed`(window: Int) async throws {
        let closes = Counter(connections: 0)
        let numbers = Mutex<[Int]>([])
        let server = try SyslogServer { connection, server in
            let talk = RELPTalk(connection)
            talk.open()
            while let command = talk.next() {
                numbers.withLock { $0.append(command.number) }
                if command.name == "close" { _ = closes.next() }
                if !talk.take(command, server) { break }
            }
            #expect(talk.complaint == nil)
        }
        let sink = SyslogRELPSink(options(server.port) { $0.window = window }) { _, _ in }
        #expect(await deliverAll(sink, 0..<3000, size: 1100) == [])
        await sink.close()
        #expect(eventIDs(try await server.messages(3000)) == Array(0..<3000))
        #expect(closes.value == 1 && server.connections.value == 1)
        // 1 was `open`; 3000 messages and `close` follow.
        #expect(numbers.withLock { $0 } == Array(2...3002))
    }

    @Test(arguments: [1, 10, 333])
    func `never more messages than the window are without an answer`(window: Int) async throws {
        let most = Mutex(0)
        let server = try SyslogServer { connection, server in
            let talk = RELPTalk(connection)
            talk.open()
            var open: [RELPCommand] = []
            while let command = talk.next(), command.name == "syslog" {
                open.append(command)
                most.withLock { $0 = max($0, open.count) }
                // Answers come late: only when the client cannot go on without, or has no more to say.
                guard open.count >= window || String(decoding: command.data, as: UTF8.self).contains("eid=\"999\"")
                else { continue }
                if talk.hasMore { continue }
                for command in open { _ = talk.take(command, server) }
                open.removeAll()
            }
        }
        let sink = SyslogRELPSink(options(server.port) { $0.window = window }) { _, _ in }
        let task = Task { await deliverAll(sink, 0..<1000, size: 1000) }
        #expect(await task.value == [])
        #expect(eventIDs(try await server.messages(1000)) == Array(0..<1000))
        #expect(most.withLock { $0 } == window)
        await sink.close()
    }

    @Test func `a message that is refused goes alone, and those after it are not sent again`() async throws {
        let server = try SyslogServer { connection, server in
            let talk = RELPTalk(connection)
            talk.open()
            while let command = talk.next() {
                let text = String(decoding: command.data, as: UTF8.self)
                if ["eid=\"3\"", "eid=\"4\"", "eid=\"9\""].contains(where: text.contains) {
                    talk.answer(command, "500 cannot do that")
                } else if !talk.take(command, server) {
                    return
                }
            }
        }
        let sink = SyslogRELPSink(options(server.port)) { _, _ in }
        let first = await sink.deliver(syslogBatch(0..<10))
        #expect(word(first) == "rejected 3 relp_500")
        #expect(text(first).contains("500 cannot do that"))
        #expect(await deliverAll(sink, 4..<20, size: 6) == [4, 9])
        await sink.close()
        let ids = eventIDs(try await server.messages(17))
        #expect(ids == (0..<20).filter { ![3, 4, 9].contains($0) })
    }

    @Test func `a record that is no event is refused alone`() async throws {
        let server = try SyslogServer(serve: RELPTalk.serve)
        let sink = SyslogRELPSink(options(server.port)) { _, _ in }
        var batch = syslogBatch(0..<2)
        batch.append(Array("{}".utf8).span)
        #expect(word(await sink.deliver(batch)) == "rejected 2 not_an_event")
        #expect(eventIDs(try await server.messages(2)) == [0, 1])
        await sink.close()
    }

    @Test(arguments: [0, 1, 250, 999])
    func `what had no answer when the session broke is sent again, and nothing else`(answered: Int) async throws {
        let server = try SyslogServer { connection, server in
            let talk = RELPTalk(connection)
            talk.open()
            let isFirst = server.connections.value == 1
            var left = isFirst ? answered : Int.max
            while let command = talk.next() {
                if left == 0 { return connection.resetAtEnd() }
                left -= 1
                if !talk.take(command, server) { return }
            }
        }
        let sink = SyslogRELPSink(options(server.port)) { _, _ in }
        #expect(await deliverAll(sink, 0..<2000, size: 700) == [])
        await sink.close()
        let ids = eventIDs(try await server.messages(2000))
        // A reset may destroy answers on their way, so some may come twice, but none is missing.
        #expect(Set(ids) == Set(0..<2000))
        #expect(ids.suffix(2000 - answered) == Array(answered..<2000)[...])
    }

    @Test func `a receiver that says goodbye costs nothing`() async throws {
        let server = try SyslogServer { connection, server in
            let talk = RELPTalk(connection)
            talk.open()
            for _ in 0..<5 {
                guard let command = talk.next(), talk.take(command, server) else { return }
            }
            talk.say(0, "serverclose", "")
        }
        let sink = SyslogRELPSink(options(server.port)) { _, _ in }
        for start in stride(from: 0, to: 20, by: 5) {
            #expect(await sink.deliver(syslogBatch(start..<(start + 5))) == .delivered)
        }
        await sink.close()
        #expect(eventIDs(try await server.messages(20)) == Array(0..<20))
        #expect(server.connections.value == 4)
    }

    @Test(arguments: [
        ("500 not for you", "refused the RELP session: 500 not for you"),
        ("200 OK\nrelp_software=x", "speaks RELP version unknown"),
        ("200 OK\nrelp_version=7", "speaks RELP version 7"),
        ("200 OK\nrelp_version=1\ncommands=eventlog", "takes no syslog messages"),
    ])
    func `a session that is not agreed on holds everything, in plain words`(answer: String, words: String) async throws
    {
        let server = try SyslogServer { connection, _ in RELPTalk(connection).open(answer) }
        let outcome = await SyslogRELPSink(options(server.port)) { _, _ in }.deliver(syslogBatch(0..<1))
        #expect(word(outcome) == "hold protocol_broken")
        #expect(text(outcome).contains(words), "\(outcome)")
    }

    @Test func `a port that speaks no RELP is told as such`() async throws {
        let talking = try SyslogServer { connection, _ in
            connection.write(Array("SSH-2.0-OpenSSH_9.2\r\n".utf8))
            _ = connection.read()
        }
        let outcome = await SyslogRELPSink(options(talking.port)) { _, _ in }.deliver(syslogBatch(0..<1))
        #expect(word(outcome) == "hold protocol_broken")
        #expect(text(outcome).contains("'SSH-2.0-OpenSSH_9.2"), "\(outcome)")
        let closing = try SyslogServer { connection, _ in _ = connection.read() }
        let closed = await SyslogRELPSink(options(closing.port)) { _, _ in }.deliver(syslogBatch(0..<1))
        #expect(word(closed).hasPrefix("retry connection_"))
        #expect(text(closed).contains("instead of answering"), "\(closed)")
        let silent = try SyslogServer()
        let sink = SyslogRELPSink(options(silent.port) { $0.connectTimeout = .milliseconds(200) }) { _, _ in }
        #expect(word(await sink.deliver(syslogBatch(0..<1))) == "retry timeout")
    }

    @Test func `an answer to what was not asked ends the session`() async throws {
        let server = try SyslogServer { connection, _ in
            let talk = RELPTalk(connection)
            talk.open()
            guard let command = talk.next() else { return }
            talk.say(command.number + 7, "rsp", "200 OK")
            _ = talk.next()
        }
        let outcome = await SyslogRELPSink(options(server.port)) { _, _ in }.deliver(syslogBatch(0..<1))
        #expect(word(outcome) == "hold protocol_broken")
    }

    @Test func `a receiver that takes messages and never answers is given up after the timeout`() async throws {
        let server = try SyslogServer { connection, _ in
            let talk = RELPTalk(connection)
            talk.open()
            while talk.next() != nil {}
        }
        let sink = SyslogRELPSink(options(server.port) { $0.timeout = .milliseconds(300) }) { _, _ in }
        #expect(word(await sink.deliver(syslogBatch(0..<10))) == "retry timeout")
    }
}
