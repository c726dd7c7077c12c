import Foundation
import Testing

@testable import ConnlogSystem

@Suite struct GlobTests {
    @Test(arguments: [
        ("*.log", "a.log", true), ("*.log", ".log", false), (".*", ".log", true), ("*", "", false),
        ("a?c", "abc", true), ("a?c", "ac", false), ("a?c", "aéc", true), ("[a-c]x", "bx", true),
        ("[a-c]x", "dx", false), ("[!a-c]x", "dx", true), ("[^a-c]x", "ax", false), ("[]x]", "]", true),
        ("[", "[", true), ("a[bc", "a[bc", true), ("\\*", "*", true), ("\\*", "a", false), ("[a-]", "-", true),
        ("*a*b*c*", "xxaxxbxxcxx", true), ("*a*b*c*", "xxaxxcxxbxx", false), ("**", "abc", true),
        ("[!.]*", ".hidden", false), ("?hidden", ".hidden", false), ("/a/*/c", "/a/b/c", true),
        ("/a/*/c", "/a/b/b/c", false), ("/a/*", "a/b", false), ("a.log", "a.log", true),
    ])
    func `a pattern matches as in the shell`(pattern: String, path: String, isMatch: Bool) {
        #expect(Glob(pattern).matches(path) == isMatch)
    }

    @Test func `many stars take no exponential time`() {
        let pattern = String(repeating: "*a", count: 30) + "b"
        #expect(!Glob(pattern).matches(String(repeating: "a", count: 2000)))
    }

    @Test func `wildcards work in every part of a path`() throws {
        let root = FileManager.default.temporaryDirectory.appendingPathComponent("connlog-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: root) }
        for directory in ["x1/logs", "x2/logs", "y/logs"] {
            try FileManager.default.createDirectory(
                atPath: "\(root)/\(directory)", withIntermediateDirectories: true)
            try Data().write(to: URL(fileURLWithPath: "\(root)/\(directory)/a.log"))
        }
        try Data().write(to: URL(fileURLWithPath: "\(root)/x3"))
        let found = Glob("\(root)/x*/logs/*.log").expand()
        #expect(found.paths == ["\(root)/x1/logs/a.log", "\(root)/x2/logs/a.log"])
        #expect(Set(found.directories).isSuperset(of: ["\(root)/x1/logs", "\(root)/x2/logs"]))
        #expect(found.problems.isEmpty)
        let missing = Glob("\(root)/none/*.log").expand()
        #expect(missing.paths.isEmpty && missing.problems.map(\.code) == [Errno.notFound])
        #expect(Glob("\(root)/none.log").expand().paths == ["\(root)/none.log"])
    }
}
