import ConnlogCore
import ConnlogSystem
import ConnlogTestSupport
import Foundation
import Testing

@testable import ConnlogSinks

@Suite(.enabled(if: TestCertificates.isAvailable)) struct SyslogTLSSinkTests {
    private let certificates: TestCertificates

    init() throws {
        certificates = try TestCertificates()
        try certificates.make("server", "IP:127.0.0.1")
    }

    private func options(_ port: Int, _ change: (inout SyslogOptions) -> Void = { _ in }) -> SyslogOptions {
        syslogOptions(port) {
            $0.transport = .tls
            $0.tls.authorityFile = certificates.authority
            change(&$0)
        }
    }

    private func settings(_ name: String = "server") -> LoopbackTLS.Settings { .init(name, of: certificates) }

    @Test(arguments: [false, true])
    func `everything arrives once and in order, and the end is said`(isOld: Bool) async throws {
        var settings = settings()
        settings.isOld = isOld
        let server = try SyslogServer(tls: settings)
        let sink = SyslogTCPSink(options(server.port)) { _, _ in }
        for start in stride(from: 0, to: 3000, by: 1000) {
            #expect(await sink.deliver(syslogBatch(start..<(start + 1000))) == .delivered)
        }
        await sink.close()
        #expect(eventIDs(try await server.messages(3000)) == Array(0..<3000))
        #expect(await eventually { server.goodbyes.value == server.connections.value ? true : nil } == true)
    }

    @Test func `a certificate that is not good holds everything, in plain words, until it is mended`() async throws {
        try certificates.make("other", "DNS:siem.example.com,IP:192.0.2.7")
        try certificates.make("old", "IP:127.0.0.1", isExpired: true)
        let server = try SyslogServer(tls: settings("other"))
        let sink = SyslogTCPSink(options(server.port)) { _, _ in }
        let wrongName = await sink.deliver(syslogBatch(0..<3))
        #expect(word(wrongName) == "hold tls_untrusted")
        #expect(text(wrongName).contains("is for siem.example.com, 192.0.2.7, not for 127.0.0.1"), "\(wrongName)")

        server.change(settings("old"))
        let expired = await sink.deliver(syslogBatch(0..<3))
        #expect(word(expired) == "hold tls_untrusted")
        #expect(text(expired).contains("expired on 2020-01-31 00:00:00 UTC"), "\(expired)")

        server.change(settings())
        #expect(await sink.deliver(syslogBatch(0..<3)) == .delivered)
        await sink.close()
        #expect(eventIDs(try await server.messages(3)) == [0, 1, 2])
    }

    @Test func `an authority that is not trusted holds everything until tls_ca has it`() async throws {
        let others = try TestCertificates()
        let trusted = certificates.path("trusted.pem")
        try FileManager.default.copyItem(atPath: others.authority, toPath: trusted)
        let server = try SyslogServer(tls: settings())
        let sink = SyslogTCPSink(options(server.port) { $0.tls.authorityFile = trusted }) { _, _ in }
        let outcome = await sink.deliver(syslogBatch(0..<1))
        #expect(word(outcome) == "hold tls_untrusted")
        #expect(text(outcome).contains("connlog test authority") && text(outcome).contains("tls_ca"), "\(outcome)")
        try Data(contentsOf: URL(fileURLWithPath: certificates.authority)).write(to: URL(fileURLWithPath: trusted))
        #expect(await sink.deliver(syslogBatch(0..<1)) == .delivered)
        await sink.close()
    }

    @Test func `without tls_verify any certificate will do`() async throws {
        try certificates.make("old", "DNS:elsewhere", isExpired: true)
        let server = try SyslogServer(tls: settings("old"))
        let sink = SyslogTCPSink(options(server.port) { $0.tls.verifies = false }) { _, _ in }
        #expect(await sink.deliver(syslogBatch(0..<1)) == .delivered)
        await sink.close()
    }

    @Test(arguments: CertificateFingerprint.Algorithm.allCases)
    func `a fingerprint stands for the certificate, and another is refused and shown`(
        algorithm: CertificateFingerprint.Algorithm
    ) async throws {
        try certificates.make("other", "DNS:elsewhere")
        let server = try SyslogServer(tls: settings("other"))
        let unknown = try #require(
            CertificateFingerprint(
                "\(algorithm.rawValue):" + String(repeating: "0", count: algorithm == .sha1 ? 40 : 64)))
        let refusing = SyslogTCPSink(options(server.port) { $0.tls.fingerprints = [unknown] }) { _, _ in }
        let outcome = await refusing.deliver(syslogBatch(0..<1))
        #expect(word(outcome) == "hold tls_untrusted")
        // The message shows the one it has, which is what `openssl x509 -fingerprint` prints.
        let shown = try #require(text(outcome).firstMatch(of: #/sha-[0-9]+:[0-9A-F:]+/#)).output
        let known = try #require(CertificateFingerprint(String(shown)))
        let taking = SyslogTCPSink(options(server.port) { $0.tls.fingerprints = [unknown, known] }) { _, _ in }
        #expect(await taking.deliver(syslogBatch(0..<1)) == .delivered)
        await taking.close()
    }

    @Test(arguments: [false, true])
    func `a receiver that wants our certificate gets nothing until it has a good one`(isOld: Bool) async throws {
        var settings = settings()
        settings.clientAuthority = certificates.authority
        settings.isOld = isOld
        let server = try SyslogServer(tls: settings)
        // With TLS 1.3 the receiver refuses only after the handshake: what was sent meanwhile must not count.
        let without = SyslogTCPSink(options(server.port)) { _, _ in }
        for _ in 0..<3 {
            let outcome = await without.deliver(syslogBatch(0..<5))
            #expect(word(outcome) == "hold tls_refused")
            #expect(text(outcome).contains("tls_cert"), "\(outcome)")
        }
        let strangers = try TestCertificates()
        try strangers.make("client", nil)
        for file in ["client.pem", "client.key"] {
            try FileManager.default.copyItem(atPath: strangers.path(file), toPath: certificates.path("our-\(file)"))
        }
        let with = SyslogTCPSink(
            options(server.port) {
                $0.tls.certificateFile = certificates.path("our-client.pem")
                $0.tls.keyFile = certificates.path("our-client.key")
            }
        ) { _, _ in }
        #expect(word(await with.deliver(syslogBatch(0..<5))) == "hold tls_refused")
        // Renewed in place: the next connection has the new ones.
        try certificates.make("client", nil)
        for file in ["client.pem", "client.key"] {
            try Data(contentsOf: URL(fileURLWithPath: certificates.path(file)))
                .write(to: URL(fileURLWithPath: certificates.path("our-\(file)")))
        }
        #expect(await with.deliver(syslogBatch(0..<5)) == .delivered)
        await with.close()
        #expect(eventIDs(try await server.messages(5)) == Array(0..<5))
    }

    @Test func `a file that is missing, or a key that belongs to another certificate, is told with its name`()
        async throws
    {
        try certificates.make("client", nil)
        try certificates.make("second", nil)
        let server = try SyslogServer(tls: settings())
        for (change, name) in [
            ({ $0.authorityFile = "/nowhere/ca.pem" }, "/nowhere/ca.pem"),
            (
                {
                    $0.certificateFile = certificates.path("client.pem")
                    $0.keyFile = certificates.path("second.key")
                }, "second.key"
            ),
        ] as [((inout TLSSettings) -> Void, String)] {
            let sink = SyslogTCPSink(options(server.port) { change(&$0.tls) }) { _, _ in }
            let outcome = await sink.deliver(syslogBatch(0..<1))
            #expect(word(outcome) == "hold certificate_file")
            #expect(text(outcome).contains(name), "\(outcome)")
        }
    }

    @Test func `a port that speaks no TLS is told as such`() async throws {
        let talking = try SyslogServer { connection, _ in
            connection.write(Array("220 mail.example.com ESMTP\r\n".utf8))
            _ = connection.read()
        }
        let outcome = await SyslogTCPSink(options(talking.port)) { _, _ in }.deliver(syslogBatch(0..<1))
        #expect(word(outcome) == "hold tls_failed")
        #expect(text(outcome).contains("does this port speak TLS"), "\(outcome)")

        let silent = try SyslogServer()
        let sink = SyslogTCPSink(options(silent.port) { $0.connectTimeout = .milliseconds(200) }) { _, _ in }
        #expect(word(await sink.deliver(syslogBatch(0..<1))) == "retry timeout")
    }

    @Test func `a receiver that reads nothing gets no more credit than its kernel gave`() async throws {
        let gate = Gate()
        let server = try SyslogServer(tls: settings()) { connection, server in
            gate.wait()
            server.keepAll(of: connection)
        }
        let sink = SyslogTCPSink(options(server.port) { $0.timeout = .milliseconds(400) }) { _, _ in }
        var delivered = 0
        var stalled: SendOutcome?
        while stalled == nil, delivered < 4000 {
            switch await sink.deliver(syslogBatch(delivered..<(delivered + 100), padding: 10_000)) {
            case .delivered: delivered += 100
            case .deliveredPrefix(let count):
                delivered += count
                stalled = .delivered
            case let outcome: stalled = outcome
            }
        }
        #expect(stalled != nil)
        gate.open()
        await sink.close()
        let ids = eventIDs(try await server.messages(delivered))
        #expect(Set(ids).isSuperset(of: 0..<delivered), "claimed \(delivered), found \(ids.count)")
    }

    @Test(arguments: [false, true])
    func `a receiver that goes away in the middle makes the rest be sent again`(resets: Bool) async throws {
        // Its kernel holds less than a batch, so that the break is sure to fall into one and not between two.
        let server = try SyslogServer(tls: settings(), receiveBuffer: 64 << 10) { connection, server in
            guard server.connections.value == 1 else { return server.keepAll(of: connection) }
            var left = 300_000
            while left > 0 {
                let bytes = connection.read(atMost: min(left, 1 << 14))
                if bytes.isEmpty { return }
                left -= bytes.count
            }
            if resets { connection.resetAtEnd() }
        }
        let sink = SyslogTCPSink(options(server.port)) { _, _ in }
        var next = 0
        var breaks = 0
        while next < 2000, breaks < 20 {
            let end = min(next + 500, 2000)
            switch await sink.deliver(syslogBatch(next..<end, padding: 1000)) {
            case .delivered: next = end
            case .deliveredPrefix(let count):
                next += count
                breaks += 1
            case .retry: breaks += 1
            case let outcome: Issue.record("\(outcome)")
            }
        }
        await sink.close()
        #expect(next == 2000)
        #expect(breaks >= 1)
        let ids = eventIDs(try octetCounted(server.received.all))
        let first = try #require(ids.first)
        #expect(ids == Array(first..<2000))
    }

    @Test func `a name may end in DNS's dot`() throws {
        try certificates.make("named", "DNS:siem.test")
        let server = try SyslogServer(tls: settings("named"))
        var settings = TCPConnection.Options()
        settings.tls = options(server.port).tls
        let addresses = try SocketAddress.resolve("127.0.0.1", port: server.port, .stream)
        for host in ["siem.test", "siem.test."] {
            let connection = try TCPConnection.connect(to: addresses, host: host, name: host, settings)
            #expect(connection.security != nil)
            _ = connection.finish(atMost: .seconds(60))
        }
    }

    @Test func `the receiver's own certificate can be trusted, without the authority above it`() async throws {
        let server = try SyslogServer(tls: settings())
        let sink = SyslogTCPSink(options(server.port) { $0.tls.authorityFile = certificates.path("server.pem") }) {
            _, _ in
        }
        #expect(await sink.deliver(syslogBatch(0..<1)) == .delivered)
        await sink.close()
    }

    @Test func `an address that stands in the certificate as a name is told as that`() async throws {
        try certificates.make("named", "DNS:127.0.0.1")
        let server = try SyslogServer(tls: settings("named"))
        let outcome = await SyslogTCPSink(options(server.port)) { _, _ in }.deliver(syslogBatch(0..<1))
        #expect(word(outcome) == "hold tls_untrusted")
        #expect(text(outcome).contains("has 127.0.0.1 as a DNS name"), "\(outcome)")
    }

    @Test func `a key with a pass phrase is refused in a sentence, and never asked for`() async throws {
        try certificates.make("client", nil)
        try certificates.encrypt("client")
        let server = try SyslogServer(tls: settings())
        let sink = SyslogTCPSink(
            options(server.port) {
                $0.tls.certificateFile = certificates.path("client.pem")
                $0.tls.keyFile = certificates.path("client.key")
            }
        ) { _, _ in }
        let outcome = await sink.deliver(syslogBatch(0..<1))
        #expect(word(outcome) == "hold certificate_file")
        #expect(text(outcome).contains("pass phrase"), "\(outcome)")
    }

    /// It also reads now and then, as one that echoes what it gets would.
    @Test(arguments: [true, false])
    func `a receiver that talks without end keeps nobody from sending or stopping`(isTLS: Bool) async throws {
        let server = try SyslogServer(tls: isTLS ? settings() : nil) { connection, server in
            let words = [UInt8](repeating: UInt8(ascii: "x"), count: 1 << 14)
            while connection.write(words) {}
        }
        let sink = SyslogTCPSink(
            options(server.port) {
                $0.transport = isTLS ? .tls : .tcp
                $0.timeout = .seconds(2)
            }
        ) { _, _ in }
        #expect(word(await sink.send(syslogBatch(0..<10))) == "accepted")
        #expect(word(await sink.send(syslogBatch(10..<20))) == "accepted")
        await sink.close()
        // Nor does one that reads nothing gain time by it.
        let other = SyslogTCPSink(
            options(server.port) {
                $0.transport = isTLS ? .tls : .tcp
                $0.timeout = .milliseconds(500)
            }
        ) { _, _ in }
        var outcome = SendOutcome.delivered
        for _ in 0..<100 where outcome == .delivered {
            outcome = await other.send(syslogBatch(0..<100, padding: 10_000))
            if case .accepted = outcome { outcome = .delivered }
        }
        #expect(word(outcome).hasPrefix("retry"), "\(outcome)")
        await other.close()
    }
}
