import ConnlogConfig
import ConnlogTestSupport
import Testing

@Suite struct GoldenTests {
    @Test(arguments: GoldenFolder("Golden/diagnostics").cases)
    func `each kind of mistake is told with its place, its line and what to do`(golden: GoldenCase) throws {
        let input = try GoldenInput(golden.input)
        let loaded = input.load()
        let outcome = input.folder.neutral(loaded.report(color: false)) + loaded.summary + "\n"
        #expect(golden.difference(from: outcome) == nil)
        #expect(loaded.hasErrors == (loaded.configuration == nil))
    }

    @Test(arguments: GoldenFolder("Golden/effective").cases)
    func `the effective configuration says where each value comes from`(golden: GoldenCase) throws {
        let input = try GoldenInput(golden.input)
        let loaded = input.load()
        let outcome = loaded.configuration?.effectiveText ?? loaded.report(color: false)
        // The first column is as wide as the folder's own path, which is another one each time.
        let neutral = input.folder.neutral(outcome).replacing(#/(?m)^(\S+(?: set)?)  +/#) { "\($0.output.1)  " }
        #expect(golden.difference(from: neutral) == nil)
    }

    @Test func `no golden file is left over`() {
        for folder in ["Golden/diagnostics", "Golden/effective"] {
            let folder = GoldenFolder(folder)
            #expect(!folder.cases.isEmpty)
            #expect(folder.names == folder.cases.map(\.name))
        }
        #expect(GoldenFolder("Golden/reference").names == ["connlog.ini.txt"])
        #expect(GoldenFolder("Golden").names == ["diagnostics", "effective", "reference"])
    }
}
