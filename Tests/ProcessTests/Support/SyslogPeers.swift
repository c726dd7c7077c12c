import Foundation

/// The three ways in which a syslog message comes over the network here.
enum Way: String, CaseIterable {
    case udp, octets, lines

    /// The INI keys of a syslog sink that sends this way.
    func keys(port: Int) -> String {
        switch self {
        case .udp: "transport = udp\naddress = 127.0.0.1:\(port)\n"
        case .octets: "transport = tcp\nframing = octet_counting\naddress = 127.0.0.1:\(port)\n"
        case .lines: "transport = tcp\nframing = lf\naddress = 127.0.0.1:\(port)\n"
        }
    }
}

/// A real syslog daemon with its own configuration, on free ports, that writes what it understood as JSON lines.
final class SyslogPeer {
    enum Kind: String, CaseIterable { case rsyslog, syslogNG = "syslog-ng" }

    let ports: [Way: Int]
    private let child: Child
    let kind: Kind
    private let workplace: Workplace

    /// Starts the daemon and waits until it listens on all its ports.
    init(_ kind: Kind, in workplace: Workplace) throws {
        self.kind = kind
        self.workplace = workplace
        let free = try Ports.free(Way.allCases.count, in: workplace)
        let ports = Dictionary(uniqueKeysWithValues: zip(Way.allCases, free))
        self.ports = ports
        let name = kind.rawValue
        switch kind {
        case .rsyslog:
            try workplace.write(Self.rsyslogConfiguration(ports, workplace), to: "rsyslog.conf")
            let (program, modules) = Self.rsyslogProgram()
            child = try Child(
                program,
                ["-n", "-f", workplace.path("rsyslog.conf"), "-i", workplace.path("rsyslog.pid")]
                    + (modules.map { ["-M", $0] } ?? []), in: workplace, named: name)
        case .syslogNG:
            try workplace.write(Self.syslogNGConfiguration(ports, workplace), to: "syslog-ng.conf")
            child = try Child(
                "/usr/sbin/syslog-ng",
                [
                    "-F", "--no-caps", "-f", workplace.path("syslog-ng.conf"), "-R",
                    workplace.path("syslog-ng.persist"),
                    "-p", workplace.path("syslog-ng.pid"), "-c", workplace.path("syslog-ng.ctl"),
                ], in: workplace, named: name)
        }
        let child = child
        do {
            try eventually("\(name) listens on \(free)") { !child.isRunning || free.allSatisfy(Ports.isOpen) }
        } catch {
            throw Child.Failure(description: "\(error); it said: \(child.errors)")
        }
        guard child.isRunning else { throw Child.Failure(description: "\(name) ended: \(child.errors)") }
    }

    /// Waits until it has written that many messages that came this way.
    func messages(_ way: Way, count: Int) throws -> [Message] {
        let file = workplace.url(Self.outputName(kind, way))
        do {
            try eventually("\(kind.rawValue) has \(count) messages over \(way)") {
                read(file).utf8.count { $0 == UInt8(ascii: "\n") } >= count
            }
        } catch {
            throw Child.Failure(description: "\(error), only \(try Message.all(in: file).count); \(child.errors)")
        }
        return try Message.all(in: file)
    }

    func stop() throws { try child.stop() }

    private static func outputName(_ kind: Kind, _ way: Way) -> String { "\(kind.rawValue)-\(way).jsonl" }

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

    private static func rsyslogConfiguration(_ ports: [Way: Int], _ workplace: Workplace) -> String {
        func rules(_ way: Way) -> String {
            """
            ruleset(name="\(way)") { action(type="omfile" template="fields" file="\(workplace.path(outputName(.rsyslog, way)))") }

            """
        }
        func port(_ way: Way) -> Int { ports[way] ?? 0 }
        return """
            global(workDirectory="\(workplace.directory.path)" maxMessageSize="64k" net.enableDNS="off"
                   parser.escapeControlCharactersOnReceive="off")
            module(load="imudp")
            module(load="imtcp")
            template(name="fields" type="list" option.jsonf="on") {
                property(outname="pri" name="pri" format="jsonf")
                property(outname="timestamp" name="timereported" dateFormat="rfc3339" format="jsonf")
                property(outname="hostname" name="hostname" format="jsonf")
                property(outname="app" name="app-name" format="jsonf")
                property(outname="procid" name="procid" format="jsonf")
                property(outname="msgid" name="msgid" format="jsonf")
                property(outname="sd" name="structured-data" format="jsonf")
                property(outname="msg" name="msg" format="jsonf")
            }
            \(Way.allCases.map(rules).joined())
            input(type="imudp" address="127.0.0.1" port="\(port(.udp))" rcvbufSize="8m" ruleset="udp")
            input(type="imtcp" address="127.0.0.1" port="\(port(.octets))" ruleset="octets")
            input(type="imtcp" address="127.0.0.1" port="\(port(.lines))" ruleset="lines" SupportOctetCountedFraming="off")

            """
    }

    private static func syslogNGConfiguration(_ ports: [Way: Int], _ workplace: Workplace) -> String {
        func source(_ way: Way) -> String {
            let port = ports[way] ?? 0
            return switch way {
            case .udp: #"syslog(ip("127.0.0.1") port(\#(port)) transport("udp") so-rcvbuf(8388608))"#
            case .octets: #"syslog(ip("127.0.0.1") port(\#(port)) transport("tcp"))"#
            case .lines: #"network(ip("127.0.0.1") port(\#(port)) transport("tcp") flags(syslog-protocol))"#
            }
        }
        func path(_ way: Way) -> String {
            """
            log {
                source { \(source(way)); };
                destination { file("\(workplace.path(outputName(.syslogNG, way)))" template(fields)); };
                flags(flow-control);
            };

            """
        }
        return """
            @version: 3.38
            options {
                stats-freq(0); use-dns(no); dns-cache(no); keep-hostname(yes); keep-timestamp(yes); chain-hostnames(no);
                log-msg-size(65536); frac-digits(6); time-zone("UTC"); create-dirs(no);
            };
            template fields {
                template("$(format-json --scope none pri=$PRI timestamp=$ISODATE hostname=$HOST app=$PROGRAM procid=$PID msgid=$MSGID sd=$SDATA msg=$MSG)\\n");
            };
            \(Way.allCases.map(path).joined())
            """
    }
}
