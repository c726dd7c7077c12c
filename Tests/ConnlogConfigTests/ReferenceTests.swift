import ConnlogConfig
import ConnlogTestSupport
import Testing

@Suite struct ReferenceTests {
    private let text = ReferenceText.text([
        .init(.connlog, isActive: true), .init(TestSchemas.source, name: "coderd", isActive: true),
        .init(TestSchemas.stdin, name: "pipe", isActive: false), .init(TestSchemas.file, name: "local", isActive: true),
        .init(TestSchemas.syslog, name: "siem", isActive: false),
        .init(TestSchemas.splunk, name: "splunk", isActive: false),
    ])

    @Test func `the reference file documents every key and loads`() throws {
        #expect(GoldenFolder("Golden/reference").case("connlog.ini.txt").difference(from: text) == nil)
        for key in TestSchemas.all.flatMap(\.keys) {
            let isThere = text.contains("\n\(key.name) =") || text.contains("\n#\(key.name) =")
            #expect(isThere, "\(key.name)")
        }
        let loaded = try load(text)
        #expect(loaded.diagnostics == [], "\(loaded.report(color: false))")
        #expect(
            loaded.configuration?.sections.map(\.heading) == ["[connlog]", "[source \"coderd\"]", "[sink \"local\"]"])
    }

    @Test func `the reference file loads when every example is taken`() throws {
        let folder = try ConfigFolder()
        try folder.write("token\n", to: "token")
        let all = text.replacing("${file:/run/secrets/splunk-hec}", with: "${file:\(folder.path)/token}")
            .split(separator: "\n", omittingEmptySubsequences: false)
            .map { $0.hasPrefix("#") && !$0.hasPrefix("# ") ? String($0.dropFirst()) : String($0) }
        try folder.write(all.joined(separator: "\n"), to: "connlog.ini")
        let loaded = folder.load()
        #expect(loaded.diagnostics == [], "\(loaded.report(color: false))")
        #expect(loaded.configuration?.sections.count == 6)
    }
}
