import ConnlogCore
import ConnlogSystem
import ConnlogTestSupport
import Synchronization
import Testing

@testable import ConnlogSinks

/// Every transport keeps what every sink promises.
@Suite struct SyslogContractTests {
    /// What a message looks like at the receiver, by an encoder of its own.
    private static func record(_ number: Int) -> (bytes: [UInt8], received: String) {
        let line = Array(TestEvents.line(number).utf8)
        var encoder = RFC5424Encoder(RFC5424Options())
        var message = ByteBuffer()
        _ = encoder.append(line.span, to: &message)
        return (line, message.text)
    }

    /// - Parameter make: a sink that uses the server's port and this log.
    private func subject(_ server: SyslogServer, _ make: (@escaping LogFunction) -> any Sink) -> ContractSubject {
        let sink = CountedConnections()
        return ContractSubject(
            sink: make(sink.log),
            received: {
                // What the receiver's kernel has acknowledged, its thread may be about to read.
                try await server.messages(sink.messages)
            },
            setFailing: { isFailing in
                if isFailing {
                    // A receiver that dies takes with it what it had not read; this one has read everything.
                    server.waitForMessages(5)
                    return server.stop()
                }
                do { try server.start() } catch { Issue.record(error) }
            }, record: Self.record)
    }

    @Test func `TCP`() async throws {
        try await SinkContract.check {
            let server = try SyslogServer()
            return subject(server) { SyslogTCPSink(syslogOptions(server.port), log: $0) }
        }
    }

    @Test func `RELP`() async throws {
        try await SinkContract.check {
            let server = try SyslogServer(serve: RELPTalk.serve)
            let options = syslogOptions(server.port) { $0.transport = .relp }
            return subject(server) { SyslogRELPSink(options, log: $0) }
        }
    }

    @Test(.enabled(if: TestCertificates.isAvailable)) func `RELP over TLS`() async throws {
        let certificates = try TestCertificates()
        try certificates.make("server", "IP:127.0.0.1")
        try await SinkContract.check {
            let server = try SyslogServer(tls: .init("server", of: certificates), serve: RELPTalk.serve)
            let options = syslogOptions(server.port) {
                $0.transport = .relpTLS
                $0.tls.authorityFile = certificates.authority
            }
            return subject(server) { SyslogRELPSink(options, log: $0) }
        }
    }

    @Test(.enabled(if: TestCertificates.isAvailable)) func `TLS`() async throws {
        let certificates = try TestCertificates()
        try certificates.make("server", "IP:127.0.0.1")
        try await SinkContract.check {
            let server = try SyslogServer(tls: .init("server", of: certificates))
            let options = syslogOptions(server.port) {
                $0.transport = .tls
                $0.tls.authorityFile = certificates.authority
            }
            return subject(server) { SyslogTCPSink(options, log: $0) }
        }
    }

    @Test func `UDP`() async throws {
        try await SinkContract.check {
            let server = try DatagramServer()
            let options = syslogOptions(server.port) { $0.transport = .udp }
            let sink = CountedConnections()
            // A datagram that nobody takes tells nobody for sure, so it cannot be made to fail here.
            return ContractSubject(
                sink: SyslogUDPSink(options, log: sink.log),
                received: { await server.messages(sink.messages) }, setFailing: nil, record: Self.record)
        }
    }

    @Test(arguments: [false, true]) func `a local socket`(isStream: Bool) async throws {
        try await SinkContract.check {
            let server = try LocalServer(isStream: isStream)
            let options = syslogOptions {
                $0.transport = .unix
                $0.path = server.path
            }
            let sink = CountedConnections()
            return ContractSubject(
                sink: SyslogUnixSink(options, log: sink.log),
                received: {
                    // What the reader's process has read, its thread may be about to note.
                    await server.messages(sink.messages)
                },
                setFailing: { isFailing in
                    if isFailing { return server.stop() }
                    do { try server.start() } catch { Issue.record(error) }
                }, record: Self.record)
        }
    }
}

/// How often a sink has connected and been served, by its log, and so how many messages its receiver must have: the
/// contract sends nothing, or 30 events over one connection, or 9 over two. One that was ended for the sake of proof does
/// not count.
private final class CountedConnections: Sendable {
    private let count = Mutex(0)

    var log: LogFunction {
        { [self] _, text in
            if text.hasPrefix("connected to ") || text.hasPrefix("sending ") { count.withLock { $0 += 1 } }
            if text.contains("ending the connection") { count.withLock { $0 -= 1 } }
        }
    }
    var messages: Int { [0, 30, 9][min(2, max(0, count.withLock { $0 }))] }
}
