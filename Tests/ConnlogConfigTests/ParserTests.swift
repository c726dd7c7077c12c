import ConnlogConfig
import Testing

@Suite struct ParserTests {
    private func filter(_ line: String) throws -> String? {
        let loaded = try load(minimal(line + "\n"))
        #expect(!loaded.hasErrors, "\(loaded.report(color: false))")
        return loaded.configuration?.sections(ofKind: "sink").first?.optionalString("filter")
    }

    @Test(arguments: [
        ("filter = a b", "a b"), ("filter=a", "a"), ("filter   =\t a \t", "a"), ("filter = a=b", "a=b"),
        ("filter = \"a b\"", "a b"), ("filter = \"\"", ""), ("filter = \" a \"  ", " a "),
        (#"filter = "\"\\\n\t""#, "\"\\\n\t"), (#"filter = a\nb"#, #"a\nb"#), (#"filter = a "b" c"#, #"a "b" c"#),
        ("filter = a;b#c", "a;b#c"), ("filter = \"a # b\"", "a # b"), ("filter = $${env:X}", "${env:X}"),
        ("filter = $x$", "$x$"), (#"filter = "\\${env:SET}""#, "\\value"), ("filter = ${env:SET}", "value"),
        ("filter = <${env:UNSET:-a:-b}>", "<a:-b>"), ("filter = ${env:UNSET:-}x", "x"), ("filter = é", "é"),
    ])
    func `a value is what the grammar says`(line: String, value: String) throws {
        let loaded = try load(minimal(line + "\n"), environment: ["SET": "value"])
        #expect(loaded.diagnostics == [])
        #expect(loaded.configuration?.sections(ofKind: "sink").first?.string("filter") == value)
    }

    @Test func `a key without a value is as if it were not there`() throws {
        #expect(try filter("filter =") == nil)
        let loaded = try load(minimal("on_full =\n"))
        #expect(loaded.configuration?.sections(ofKind: "sink").first?.string("on_full") == "block")
    }

    @Test(arguments: ["\n", "\r\n"], ["", "\u{FEFF}"])
    func `both line ends and a byte order mark are taken`(end: String, mark: String) throws {
        let text = mark + minimal("filter = x\n").split(separator: "\n").joined(separator: end)
        let loaded = try load(Array(text.utf8))
        #expect(loaded.diagnostics == [])
        #expect(loaded.configuration?.sections(ofKind: "sink").first?.string("filter") == "x")
    }

    @Test(arguments: [
        (Array("[connlog]\nä\0b".utf8), 2, 2, "NUL"),
        (Array("[connlog]\näb".utf8) + [0xFF, 0x41], 2, 3, "UTF-8"),
        ([0xFF, 0xFE, 0x5B, 0x00], 1, 1, "UTF-8"),
        (Array("key = \u{1B}[31m".utf8), 1, 7, "control character"),
        (Array("a\rb".utf8), 1, 2, "control character"),
        (Array(String(repeating: "x", count: 65_537).utf8), 1, 1, "64 KiB"),
    ])
    func `what is no text is refused at its place`(bytes: [UInt8], line: Int, column: Int, word: String) throws {
        let loaded = try load(bytes)
        #expect(loaded.diagnostics.count == 1)
        let diagnostic = try #require(loaded.diagnostics.first)
        #expect(diagnostic.place.line == line && diagnostic.place.column == column)
        #expect(diagnostic.message.contains(word))
    }

    @Test func `a file too large is refused without a place`() throws {
        let loaded = try load([UInt8](repeating: UInt8(ascii: "\n"), count: 1_048_577))
        #expect(
            loaded.diagnostics.map(\.message) == [
                "the file is larger than 1 MiB; split it with 'include', or name another one"
            ])
    }

    @Test func `a column counts characters`() throws {
        let loaded = try load(minimal("filter = é👩‍👩‍👧 # x\n"))
        #expect(loaded.diagnostics.map(\.place.column) == [13])
    }

    @Test(arguments: ["a", String(repeating: "x", count: 64), "A.b_c-9"])
    func `a section has the name it was given`(name: String) throws {
        let loaded = try load(minimal("[ Sink   \"\(name)\" ]\ntype = file\npath = /x\n"))
        #expect(loaded.configuration?.sections(ofKind: "sink").last?.name == name)
    }
}
