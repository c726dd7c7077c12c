import ConnlogConfig
import ConnlogCore
import ConnlogPipeline
import ConnlogSystem
import ConnlogTestSupport
import Synchronization
import Testing

@testable import ConnlogSinks

@Suite struct SyslogSinkKindTests {
    private final class Lines: Sendable {
        let all = Mutex<[String]>([])
    }

    private static let place = Place(file: "connlog.ini", line: 1, column: 1)

    /// The section that the loader would make of these lines.
    private func section(_ values: [String: Value]) -> Section {
        var all: [String: Value] = [
            "transport": .string("tcp"), "address": .list(["siem.example.com:601"]),
            "framing": .string("octet_counting"), "timeout": .duration(.seconds(30)),
            "connect_timeout": .duration(.seconds(10)), "max_connection_age": .duration(.zero),
            "format": .string("rfc5424"), "facility": .string("local0"), "app_name": .string("coder"),
            "message": .string("sentence"), "sd_id": .string("connlog@32473"), "sd_origin": .boolean(false),
            "sd_meta": .boolean(false), "names": .boolean(false), "bom": .string("auto"),
            "distribute": .string("failover"),
            "resend_tail": .string("auto"), "window": .integer(1000),
            "retry_initial": .duration(.seconds(1)), "retry_max": .duration(.seconds(60)),
            "time_zone": .string("local"), "tls_verify": .boolean(true),
        ]
        all.merge(values) { $1 }
        let places = values.mapValues { _ in Self.place }
        return Section(kind: "sink", name: "siem", type: "syslog", place: Self.place, values: all, places: places)
    }

    private func context(_ lines: Lines = Lines()) -> SinkContext {
        SinkContext(hostname: "coder-1", version: "0.1.0", pid: 7, dataDirectory: "/nowhere") { _, line in
            lines.all.withLock { $0.append(line) }
        }
    }

    @Test func `the defaults are those of the documentation`() throws {
        let lines = Lines()
        let options = try SyslogSinkKind.options(section([:]), context(lines))
        #expect(options.receivers == [.init(host: "siem.example.com", port: 601)])
        #expect(options.framing == .octetCounting)
        #expect(options.messages.bytesMax == 65_536)
        #expect(options.messages.hostname == "coder-1" && options.messages.pid == 7)
        #expect(options.maxConnectionAge == nil)
        // The documentation's enterprise number works, and is said to be just that.
        #expect(lines.all.withLock { $0 }.count == 1)
        let udp = try SyslogSinkKind.options(section(["transport": .string("udp")]), context())
        #expect(udp.messages.bytesMax == 1180)
    }

    @Test func `names are added only where there is room for them`() throws {
        #expect(try SyslogSinkKind.options(section([:]), context()).names == nil)
        #expect(try SyslogSinkKind.options(section(["names": .boolean(true)]), context()).names != nil)
        let legacy = section(["names": .boolean(true), "format": .string("rfc3164")])
        let error = #expect(throws: Diagnostic.self) { try SyslogSinkKind.options(legacy, context()) }
        #expect(error?.message.contains("format = rfc5424") == true)
    }

    @Test(arguments: SIEMFormat.allCases) func `a format of its own needs no structured data`(format: SIEMFormat) throws
    {
        let lines = Lines()
        let named: [String: Value] = ["message": .string(format.rawValue), "names": .boolean(true)]
        let options = try SyslogSinkKind.options(section(named), context(lines))
        #expect(options.messages.message.format == format && options.names != nil)
        #expect(lines.all.withLock { $0 } == [])
        let legacy = named.merging(["format": .string("rfc3164")]) { $1 }
        #expect(try SyslogSinkKind.options(section(legacy), context()).names != nil)
        var encoder = SyslogEncoder(options)
        var output = ByteBuffer()
        let isTaken = encoder.append(TestEvents.batch([1]), 0, to: &output)
        #expect(isTaken)
        #expect(output.text.hasPrefix("<134>1 2025-07-10T10:14:38.942776Z coder-1 coder 7 CONN_OPEN - "))
    }

    @Test(arguments: ["udp", "unix", "tcp"]) func `JSON that would be cut is warned of`(transport: String) throws {
        for format in SIEMFormat.allCases {
            let lines = Lines()
            var values: [String: Value] = ["message": .string(format.rawValue), "transport": .string(transport)]
            if transport == "unix" { values["address"] = .list(["/dev/log"]) }
            _ = try SyslogSinkKind.options(section(values), context(lines))
            let isCut = transport != "tcp" && (format == .ecs || format == .ocsf)
            #expect(lines.all.withLock { $0.contains { $0.contains("cannot be read") } } == isCut, "\(format)")
            values["max_size"] = .integer(2048)
            let more = Lines()
            _ = try SyslogSinkKind.options(section(values), context(more))
            #expect(more.all.withLock { $0 } == [])
        }
    }

    @Test func `every message of the options is one of the key's`() {
        guard case .choice(let now)? = SyslogSinkKind.schema.keys.first(where: { $0.name == "message" })?.kind else {
            Issue.record("message is no choice")
            return
        }
        #expect(Set(now) == Set(RFC5424Options.Message.allCases.map(\.rawValue)))
    }

    @Test func `several receivers are kept in order`() throws {
        let options = try SyslogSinkKind.options(
            section(["address": .list(["a:1", "[::1]:2", "10.0.0.1:3"])]), context())
        #expect(
            options.receivers == [
                .init(host: "a", port: 1), .init(host: "::1", port: 2), .init(host: "10.0.0.1", port: 3),
            ])
    }

    @Test(arguments: [
        ("facility", Value.string("local8"), "'local8' is no facility"),
        ("facility", .string("24"), "'24' is no facility"),
        ("app_name", .string("my app"), "cannot stand in a syslog header"), ("app_name", .string(""), "cannot stand"),
        ("app_name", .string(String(repeating: "a", count: 49)), "1 to 48"), ("hostname", .string("a b"), "1 to 255"),
        ("sd_id", .string("connlog"), "is not name@number"), ("sd_id", .string("a]@1"), "is not name@number"),
        ("retry_max", .duration(.milliseconds(999)), "is shorter than retry_initial"),
    ])
    func `what a schema cannot say is said with the key's place`(key: String, value: Value, message: String) {
        do throws(Diagnostic) {
            _ = try SyslogSinkKind.options(section([key: value]), context())
            Issue.record("\(key) was taken")
        } catch {
            #expect(error.place == Self.place)
            #expect(error.message.contains("[sink \"siem\"] \(key): "))
            #expect(error.message.contains(message), "\(error.message)")
        }
    }

    @Test func `a datagram cannot be larger than UDP allows`() {
        let values = ["transport": Value.string("udp"), "max_size": .integer(65_508)]
        #expect(throws: Diagnostic.self) { try SyslogSinkKind.options(section(values), context()) }
    }

    @Test func `every default is a value of its key, and every key is used`() throws {
        let names = Set(SyslogSinkKind.schema.keys.map(\.name))
        #expect(names.isSuperset(of: ["transport", "address", "framing", "facility", "app_name", "message", "sd_id"]))
        #expect(names.count == SyslogSinkKind.schema.keys.count)
        guard case .choice(let now)? = SyslogSinkKind.schema.keys.first(where: { $0.name == "transport" })?.kind else {
            Issue.record("transport is no choice")
            return
        }
        #expect(Set(now) == Set(SyslogOptions.Transport.allCases.map(\.rawValue)))
    }
}
