import Testing

@testable import ConnlogCore

/// What names this machine, and small texts around it.
@Suite struct LoopbackHostTests {
    @Test(
        arguments: [
            ("localhost", true), ("LOCALHOST", true), ("127.0.0.1", true), ("127.255.255.255", true), ("::1", true),
            ("0:0:0:0:0:0:0:1", true), ("::ffff:127.0.0.1", true), ("126.255.255.255", false), ("128.0.0.0", false),
            ("::2", false), ("::1/128", false), ("127.0.0.1/8", false), ("localhost.", false),
            ("localhost.example.com", false), ("127.0.0.1.nip.io", false), ("", false), ("[::1]", false),
        ])
    func `a host is this machine, or may lead elsewhere`(host: String, isOne: Bool) {
        #expect(LoopbackHost.isOne(host) == isOne)
    }

    @Test(
        arguments: [
            ("localhost:8484", true), ("127.0.0.1:80", true), ("[::1]:8484", true), ("[::1]", true),
            ("localhost", true),
            ("[::ffff:127.0.0.1]:1", true), ("::1", false), ("localhost:", false), ("localhost:x", false),
            ("[127.0.0.1]", false), ("[localhost]:1", false), ("localhost:1:2", false), ("user@localhost", false),
            ("[::1", false), ("", false), ("localhost:80/x", false),
        ])
    func `an authority names this machine, with its port or without`(authority: String, isNamed: Bool) {
        #expect(LoopbackHost.isNamed(by: authority) == isNamed)
    }

    @Test func `hexadecimal digits are read in pairs and written in lower case`() {
        let all = (0...255).map { UInt8($0) }
        #expect(Hex.bytes(Hex.text(all)) == all && Hex.bytes(Hex.text(all).uppercased()) == all)
        #expect(Hex.text([0, 10, 255]) == "000aff" && Hex.bytes("") == [])
        for bad in ["0", "000", "0g", "+1", "0x", " 00", "é0"] { #expect(Hex.bytes(bad) == nil, "\(bad)") }
    }

    @Test func `blanks at the ends are taken away, and none between`() {
        for (text, plain) in [(" a ", "a"), ("\t a b\t", "a b"), ("", ""), (" \t", ""), ("a\n", "a\n"), ("é ", "é")] {
            #expect(text.trimmingBlanks == plain && Substring(text).trimmingBlanks == plain)
        }
    }
}
