import Foundation
import Testing

/// The rules of the house, kept by looking at the files.
@Suite struct HouseRuleTests {
    /// These tests name what they forbid.
    private static let notHere = ":!Tests/TidyTests"

    private func expectNone(
        _ findings: [Repository.Finding], sourceLocation: SourceLocation = #_sourceLocation
    ) {
        for finding in findings { Issue.record("\(finding)", sourceLocation: sourceLocation) }
    }

    private func swiftFiles(in folder: String) throws -> [String] {
        let found = try Repository.paths().filter { $0.hasPrefix(folder + "/") && $0.hasSuffix(".swift") }
        try #require(found.count > 10, "git lists too few files to mean anything")
        return found
    }

    @Test func `unsafe code is in ConnlogSystem, the byte kernels and the store's statements only`() throws {
        let homes = [
            "Sources/ConnlogSystem", "Sources/ConnlogCore/Decode/Kernels", "Sources/ConnlogStore/SQLite",
            "Tests/ConnlogSystemTests",
            "Tests/ConnlogTestSupport", "Tests/TidyTests", "Tests/Fuzz/Driver",
        ]
        let words = #"\b(unsafe|Unmanaged|Unsafe(Mutable)?(Raw)?(Buffer)?Pointer)\b"#
        expectNone(try Repository.findings(words, in: ["*.swift"] + homes.map { ":!\($0)" }))
    }

    @Test func `no work is marked as not done`() throws {
        let words = #"\b(TODO|FIXME|XXX|HACK)\b|fatalError\("(not|un)"#
        expectNone(try Repository.findings(words, in: [".", Self.notHere]))
    }

    @Test func `sources neither crash on input nor import Foundation`() throws {
        expectNone(try Repository.findings(#"try!|\bas!"#, in: ["Sources/*.swift"]))
        // Its JSON coders, between two processes of a build that has Foundation anyway.
        let known = "Sources/ConnlogDaemon/Server/ServerMessage.swift"
        expectNone(try Repository.findings(#"^ *([a-z]+ )?import Foundation"#, in: ["Sources/*.swift", ":!\(known)"]))
    }

    @Test func `times are converted in one place, which no number overflows`() throws {
        let homes = [":!Sources/ConnlogStore/Model/Microseconds.swift"]
        let server = ["Sources/ConnlogStore/*.swift", "Sources/ConnlogAPI/*.swift"]
        // A thousand of nanoseconds or milliseconds: the type for microseconds has the way that saturates.
        expectNone(try Repository.findings(#"[*/] *1_?000\b[^_]|[*/] *1_?000$"#, in: server + homes))
        // A duration of any length, in a number of one unit.
        expectNone(try Repository.findings(#"Microseconds\([^)]* / \.|Int(64)?\([^)]* / \.micro"#, in: server + homes))
        // Times are compared, moved and told apart by their own functions.
        expectNone(
            try Repository.findings(
                #"(connect|disconnect|lowerBound|upperBound|\bto|\bfrom)\.count *[-+*]"#, in: server + homes))
    }

    @Test func `a class that is Sendable unchecked says which lock makes it so`() throws {
        for finding in try Repository.findings("^[^/]*@unchecked Sendable", in: ["Sources/*.swift"]) {
            let before = try Repository.lines(of: finding.path)[..<(finding.number - 1)].reversed()
            let comment = before.drop { !$0.contains("//") && !$0.isEmpty }.prefix { $0.contains("//") }
            let words = (comment + [finding.line]).joined(separator: " ").lowercased()
            #expect(comment.contains { $0.contains("@unchecked Sendable") }, "\(finding)")
            #expect(words.contains("lock") || words.contains("mutex") || words.contains("one thread"), "\(finding)")
        }
    }

    @Test func `no test sleeps or is switched off`() throws {
        let words = #"Task\.sleep|\busleep\(|Thread\.sleep|\.disabled\(|withKnownIssue|XCTSkip"#
        expectNone(try Repository.findings(words, in: ["Tests/*.swift", Self.notHere]))
    }

    @Test func `a file is one idea long`() throws {
        for (folder, limit) in [("Sources", 400), ("Tests", 500)] {
            for path in try swiftFiles(in: folder) {
                let count = try Repository.lines(of: path).count - 1
                #expect(count <= limit, "\(path)")
            }
        }
    }

    @Test func `a file is named after its main type`() throws {
        let head =
            #"^(@[a-zA-Z]+(\([^)]*\))? )*([a-z]+(\([a-z]+\))? )*(struct|class|enum|protocol|actor|extension|typealias) [A-Z]"#
        var types: [String: Set<String>] = [:]
        for finding in try Repository.findings(head, in: ["Sources/*.swift"]) {
            let declared = finding.line.firstMatch(
                of: #/(?:struct|class|enum|protocol|actor|extension|typealias) ([A-Z][\w.]*)/#)
            types[finding.path, default: []].formUnion(
                try #require(declared).output.1.split(separator: ".").map(String.init))
        }
        try #require(types.count > 400)
        // `Type+Subject.swift` has a part of a type; a file of functions alone may have any name.
        for (path, names) in types {
            let file = path.split(separator: "/").last?.dropLast(".swift".count) ?? ""
            let main = file.split(separator: "+").first.map(String.init) ?? ""
            #expect(names.contains(main), "\(path) has \(names.sorted().joined(separator: ", "))")
        }
    }

    @Test func `every source file says what it is for`() throws {
        let documented = Set(try Repository.findings("^ *///? [^ ]", in: ["Sources/*.swift"]).map(\.path))
        for path in try swiftFiles(in: "Sources") {
            // `Type+Subject.swift` goes on with a type that is documented in its own file.
            #expect(documented.contains(path) || path.contains("+"), "\(path) has no comment")
        }
    }

    @Test func `nothing of one machine is in the repository`() throws {
        let found = try Repository.findings(#"/work/|/tmp/helpers|/root/|/home/|\.\./shared"#, in: [".", Self.notHere])
        // coderd's own build path stands in its log lines.
        expectNone(
            found.filter { finding in
                let line = finding.line.replacing("/home/coder/", with: "")
                return ["/work/", "/tmp/helpers", "/root/", "/home/", "../shared"].contains { line.contains($0) }
            })
    }

    @Test func `nothing that a build makes is tracked`() throws {
        for path in try Repository.paths() {
            #expect(!path.hasPrefix(".build") && !path.contains("/.build") && !path.contains("__pycache__"), "\(path)")
            #expect(!path.hasSuffix("Package.resolved") && !path.hasSuffix(".o"), "\(path)")
        }
    }

    @Test(arguments: ["Tests/run.sh", "examples/quickstart.sh", ".ci/run"])
    func `a script can be started`(script: String) {
        #expect(FileManager.default.isExecutableFile(atPath: Repository.root.appending(path: script).path))
    }

    @Test(arguments: ["./Tests/run.sh", "./examples/quickstart.sh"])
    func `the README shows the two commands`(command: String) throws {
        #expect(try Repository.lines(of: "README.md").contains { $0.contains(command) })
    }

    @Test(arguments: [("log", "examples/coderd.log"), ("counts", "examples/coderd.counts")])
    func `the example log is what its script writes`(what: String, file: String) throws {
        let written = try Repository.output("python3", ["Tests/tools/make_example.py", what])
        #expect(try written == String(contentsOf: Repository.root.appending(path: file), encoding: .utf8))
    }
}
