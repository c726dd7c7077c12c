import ConnlogTestSupport
import Foundation

/// The ways in which a syslog message comes here; the raw value is the name of its file in the examples.
enum Way: String, CaseIterable {
    case udp
    case octets = "tcp"
    case lines, tls, relp
    case relpTLS = "relp_tls"

    /// Those that a plain sender of the tests can go, too.
    static let plain: [Way] = [.udp, .octets, .lines]

    /// The port in the examples.
    var examplePort: Int {
        switch self {
        case .udp: 514
        case .octets: 601
        case .lines: 1601
        case .tls: 6514
        case .relp: 2514
        case .relpTLS: 2515
        }
    }

    /// The INI keys of a syslog sink that sends this way.
    func keys(port: Int, _ certificates: TestCertificates) -> String {
        let address = "address = 127.0.0.1:\(port)\n"
        let tls =
            "tls_ca = \(certificates.authority)\ntls_cert = \(certificates.path("client.pem"))\n"
            + "tls_key = \(certificates.path("client.key"))\n"
        return switch self {
        case .udp: "transport = udp\n\(address)"
        case .octets: "transport = tcp\nframing = octet_counting\n\(address)"
        case .lines: "transport = tcp\nframing = lf\n\(address)"
        case .tls: "transport = tls\n\(address)\(tls)"
        case .relp: "transport = relp\n\(address)"
        case .relpTLS: "transport = relp_tls\n\(address)\(tls)"
        }
    }
}

extension TestCertificates {
    /// With a server's certificate for 127.0.0.1 and one for connlog, as the examples want them.
    static func forPeers() throws -> TestCertificates {
        let certificates = try TestCertificates()
        try certificates.make("server", "IP:127.0.0.1,DNS:localhost")
        try certificates.make("client", "DNS:coderd.example.com")
        return certificates
    }
}

/// A real syslog daemon with the configuration of examples/, on free ports, that writes what it understood as JSON lines.
final class SyslogPeer {
    enum Kind: String, CaseIterable {
        case rsyslog, syslogNG = "syslog-ng"

        /// syslog-ng speaks no RELP.
        var ways: [Way] { self == .rsyslog ? Way.allCases : [.udp, .octets, .lines, .tls] }
    }

    let kind: Kind
    let name: String
    let ports: [Way: Int]
    private let workplace: Workplace
    private var child: Child

    /// Starts the daemon and waits until it listens on all its ports.
    /// - Parameter name: what its files begin with; its kind if not given.
    init(_ kind: Kind, named name: String? = nil, _ certificates: TestCertificates, in workplace: Workplace) throws {
        self.kind = kind
        self.name = name ?? kind.rawValue
        self.workplace = workplace
        let free = try Ports.free(kind.ways.count, in: workplace)
        ports = Dictionary(uniqueKeysWithValues: zip(kind.ways, free))
        let text = Self.configuration(kind, self.name, ports, certificates, workplace)
        try workplace.write(text, to: "\(self.name).conf")
        child = try Self.start(kind, self.name, workplace)
        try waitUntilListening()
    }

    func signal(_ signal: Int32) { child.signal(signal) }

    /// Starts again after its end; it listens a moment later (`isListening`).
    func startAgain() throws {
        _ = try child.wait()
        child = try Self.start(kind, name, workplace)
    }

    var isListening: Bool { ports.values.allSatisfy(Ports.isOpen) }

    private func waitUntilListening() throws {
        do {
            try eventually("\(name) listens on \(ports)") { !child.isRunning || isListening }
        } catch {
            throw Child.Failure(description: "\(error); it said: \(child.errors)")
        }
        guard child.isRunning else { throw Child.Failure(description: "\(name) ended: \(child.errors)") }
    }

    /// The file with what came this way.
    func output(_ way: Way) -> URL { workplace.url("\(name)-\(way.rawValue).jsonl") }

    /// How many messages it has written that came this way.
    func count(_ way: Way) throws -> Int {
        guard bytes(way) > 0 else { return 0 }
        let said = try Child.run("/usr/bin/wc", ["-l", output(way).path], in: workplace).output
        return said.split(separator: " ").first.flatMap { Int($0) } ?? 0
    }

    /// How many bytes that is.
    func bytes(_ way: Way) -> Int {
        let attributes = try? FileManager.default.attributesOfItem(atPath: output(way).path)
        return attributes?[.size] as? Int ?? 0
    }

    /// Waits until it has written that many.
    func wait(for count: Int, _ way: Way) throws {
        do {
            try eventually("\(name) has \(count) messages over \(way)") { try self.count(way) >= count }
        } catch {
            throw Child.Failure(description: "\(error), only \(try self.count(way)); \(child.errors)")
        }
    }

    /// Waits until it has written that many messages that came this way.
    func messages(_ way: Way, count: Int) throws -> [Message] {
        try wait(for: count, way)
        return try Message.all(in: output(way))
    }

    func stop() throws { try child.stop() }

    private static func start(_ kind: Kind, _ name: String, _ workplace: Workplace) throws -> Child {
        let configuration = workplace.path("\(name).conf")
        switch kind {
        case .rsyslog:
            // What one that was killed has left.
            try? FileManager.default.removeItem(at: workplace.url("\(name).pid"))
            let (program, modules) = rsyslogProgram()
            return try Child(
                program,
                ["-n", "-f", configuration, "-i", workplace.path("\(name).pid")] + (modules.map { ["-M", $0] } ?? []),
                in: workplace, named: name)
        case .syslogNG:
            return try Child(
                "/usr/sbin/syslog-ng",
                [
                    "-F", "--no-caps", "-f", configuration, "-R", workplace.path("\(name).persist"),
                    "-p", workplace.path("\(name).pid"), "-c", workplace.path("\(name).ctl"),
                ], in: workplace, named: name)
        }
    }

    /// The unpacked rsyslog, with where its modules are, or an installed one.
    private static func rsyslogProgram() -> (path: String, modules: String?) {
        let unpacked = Project.peers.appending(path: "rsyslog")
        let program = unpacked.appending(path: "usr/sbin/rsyslogd").path
        guard FileManager.default.isExecutableFile(atPath: program) else { return ("/usr/sbin/rsyslogd", nil) }
        let libraries = unpacked.appending(path: "usr/lib")
        let places = (try? FileManager.default.contentsOfDirectory(atPath: libraries.path)) ?? []
        let modules = places.map { libraries.appending(path: "\($0)/rsyslog").path }
            .first { FileManager.default.fileExists(atPath: $0) }
        return (program, modules)
    }

    /// The example with other ports and places.
    private static func configuration(
        _ kind: Kind, _ name: String, _ ports: [Way: Int], _ certificates: TestCertificates, _ workplace: Workplace
    ) -> String {
        var text = read(Project.root.appending(path: "examples/\(kind.rawValue)/connlog.conf"))
        for (place, instead) in [
            ("/var/log/connlog/", workplace.path("\(name)-")), ("/var/spool/rsyslog", workplace.directory.path),
            ("/etc/\(kind.rawValue)-tls/ca.pem", certificates.authority),
            ("/etc/\(kind.rawValue)-tls/server", certificates.path("server")),
        ] {
            text = text.replacing(place, with: instead)
        }
        for (way, port) in ports {
            text = text.replacing("port=\"\(way.examplePort)\"", with: "port=\"\(port)\"")
                .replacing("port(\(way.examplePort))", with: "port(\(port))")
        }
        return text
    }
}
