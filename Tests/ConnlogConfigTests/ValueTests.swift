import ConnlogConfig
import Testing

@Suite struct ValueTests {
    /// A `[thing]` with one key of the kind.
    private func load(_ kind: ValueKind, _ text: String) throws -> Section? {
        let folder = try ConfigFolder()
        try folder.write("[thing]\nkey = \(text)\n", to: "connlog.ini")
        let schema = SectionSchema(kind: "thing", isNamed: false, summary: "", keys: [Key("key", kind, help: "")])
        let loaded = Configuration.load(folder.path + "/connlog.ini", schemas: [schema], environment: Environment([:]))
        return loaded.configuration?.sections(ofKind: "thing").first
    }

    @Test(arguments: [
        ("1ms", Duration.milliseconds(1)), ("500ms", .milliseconds(500)), ("10s", .seconds(10)), ("5m", .seconds(300)),
        ("2h", .seconds(7200)), ("7d", .seconds(604_800)), ("007s", .seconds(7)),
    ])
    func `durations`(text: String, value: Duration) throws {
        #expect(try load(.duration(.zero...(.seconds(604_800))), text)?.duration("key") == value)
    }

    @Test(arguments: [
        ("0B", 0), ("1B", 1), ("1KB", 1000), ("1MB", 1_000_000), ("1GB", 1_000_000_000), ("1TB", 1_000_000_000_000),
        ("64KiB", 65_536), ("16MiB", 16_777_216), ("4GiB", 4_294_967_296), ("1TiB", 1_099_511_627_776),
        ("9223372036854775807B", Int.max),
    ])
    func `sizes`(text: String, value: Int) throws {
        #expect(try load(.size(0...Int.max), text)?.size("key") == value)
    }

    @Test(arguments: ["true", "yes", "on", "True", "ON"])
    func `true`(text: String) throws { #expect(try load(.boolean, text)?.boolean("key") == true) }

    @Test(arguments: ["false", "no", "off", "FALSE"])
    func `false`(text: String) throws { #expect(try load(.boolean, text)?.boolean("key") == false) }

    @Test(arguments: [("0640", 0o640), ("600", 0o600), ("0000", 0), ("777", 0o777)])
    func `file modes`(text: String, value: Int) throws { #expect(try load(.fileMode, text)?.integer("key") == value) }

    @Test(arguments: [
        ("a", ["a"]), ("a, b ,c", ["a", "b", "c"]), ("\"a, b\"", ["a", "b"]), ("\"\"", []), ("a\\,b, c", ["a,b", "c"]),
        ("a\\*, \\\\,b", ["a\\*", "\\\\", "b"]),
    ])
    func `lists`(text: String, value: [String]) throws { #expect(try load(.list, text)?.list("key") == value) }

    @Test(arguments: [
        ("siem.example.com:6514", "siem.example.com", 6514), ("127.0.0.1:1", "127.0.0.1", 1),
        ("[::1]:514", "::1", 514), ("[fe80::1%eth0]:65535", "fe80::1%eth0", 65535),
        ("[::ffff:10.0.0.1]:9", "::ffff:10.0.0.1", 9),
        ("under_score:5", "under_score", 5),
    ])
    func `addresses`(text: String, host: String, port: Int) throws {
        let address = try load(.address, text)?.address("key")
        #expect(address?.host == host && address?.port == port)
    }

    @Test(arguments: [
        "http://h", "https://h:8088", "HTTPS://h/a/b?c=d", "https://[::1]:8088/x", "https://u:p@h:1",
        "https://10.0.0.1",
    ])
    func `URLs`(text: String) throws { #expect(try load(.urls, text)?.list("key") == [text]) }

    @Test func `a range holds at both ends`() throws {
        for value in -1...12 {
            #expect((try load(.integer(0...10), String(value)) != nil) == (0...10).contains(value), "\(value)")
            #expect((try load(.size(2...10), "\(value)B") != nil) == (2...10).contains(value), "\(value)B")
            let isTaken = try load(.duration(.milliseconds(2)...(.milliseconds(10))), "\(value)ms") != nil
            #expect(isTaken == (2...10).contains(value), "\(value)ms")
        }
    }
}
