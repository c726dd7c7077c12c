import ConnlogCore
import ConnlogSystem
import ConnlogTestSupport
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

    /// - Parameter received: the messages that a server has got, as soon as there are so many.
    private func subject(
        _ server: SyslogServer, _ sink: any Sink, _ received: @escaping @Sendable (Int) async throws -> [String]
    ) -> ContractSubject {
        ContractSubject(
            sink: sink,
            received: {
                // What the receiver's kernel has acknowledged, its thread may be about to read. The contract sends
                // nothing, or 30 events over one connection, or 9 over two.
                try await received([0, 30, 9][server.connections.value])
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
            let sink = SyslogTCPSink(syslogOptions(server.port)) { _, _ in }
            return subject(server, sink) { try await server.messages($0) }
        }
    }

    @Test func `RELP`() async throws {
        try await SinkContract.check {
            let server = try SyslogServer(serve: RELPTalk.serve)
            let options = syslogOptions(server.port) { $0.transport = .relp }
            return subject(server, SyslogRELPSink(options) { _, _ in }) { try await server.messages($0) }
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
            return subject(server, SyslogRELPSink(options) { _, _ in }) { try await server.messages($0) }
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
            return subject(server, SyslogTCPSink(options) { _, _ in }) { try await server.messages($0) }
        }
    }
}
