import ConnlogCore
import ConnlogSystem
import Foundation
import Testing

@testable import ConnlogSources

/// When the names in a directory are looked up and when not.
@Suite struct KnownNamesTests {
    private static let second: Nanoseconds = 1_000_000_000

    /// A bench whose directory has one silent file and was last changed so long ago.
    private func bench(changedBefore age: Nanoseconds) throws -> FollowerBench {
        let bench = try FollowerBench("*.log")
        bench.append("a.log", "one\n")
        try bench.restart(sinceLastChange: age)
        bench.settle()
        #expect(bench.lines == ["one"])
        return bench
    }

    /// Makes a file without a trace in its directory's time.
    private func appendUnseen(_ bench: FollowerBench, _ name: String, _ text: String) throws {
        let modified = try FileStatus(of: bench.directory).modified
        bench.append(name, text)
        try LocalFileSystem().setModified(bench.directory, modified)
    }

    private func pollFor(_ seconds: Int, _ bench: FollowerBench) {
        for _ in 0..<seconds * 4 { bench.poll(after: .milliseconds(250)) }
    }

    @Test func `names in a directory that does not change are looked up once a minute`() throws {
        let bench = try bench(changedBefore: 10 * Self.second)
        try appendUnseen(bench, "b.log", "two\n")
        pollFor(50, bench)
        #expect(bench.lines == ["one"])
        pollFor(15, bench)
        #expect(bench.lines == ["one", "two"])
    }

    @Test func `a directory that changed is looked through within a second`() throws {
        let bench = try bench(changedBefore: 10 * Self.second)
        bench.append("b.log", "two\n")
        pollFor(2, bench)
        #expect(bench.lines == ["one", "two"])
    }

    @Test func `a directory that changed a moment ago is looked through each second, whatever its time says`() throws {
        let bench = try bench(changedBefore: Self.second)
        try appendUnseen(bench, "b.log", "two\n")
        pollFor(2, bench)
        #expect(bench.lines == ["one", "two"])
    }

    @Test func `a link that leads nowhere is looked at each second`() throws {
        let elsewhere = try FollowerBench("*.log")
        let bench = try FollowerBench("*.log")
        bench.append("a.log", "one\n")
        try FileManager.default.createSymbolicLink(
            atPath: bench.path("b.log"), withDestinationPath: elsewhere.path("target"))
        try bench.restart(sinceLastChange: 10 * Self.second)
        bench.settle()
        elsewhere.append("target", "two\n")
        pollFor(2, bench)
        #expect(bench.lines == ["one", "two"])
    }

    @Test(arguments: [
        ("/var/log/*.log", "/var/log"), ("*.log", "."), ("/*", "/"), ("a/b.log", "a"), ("/var/*/x.log", nil),
        ("/var/lo[g]/x", nil),
    ])
    func `a pattern has one directory when no wildcard comes before its name`(pattern: String, directory: String?) {
        #expect(Glob(pattern).directory == directory)
    }
}
