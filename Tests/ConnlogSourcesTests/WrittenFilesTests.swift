import ConnlogCore
import ConnlogPipeline
import ConnlogSystem
import Foundation
import Testing

@testable import ConnlogSources

/// Files that sinks write are not read back.
@Suite struct WrittenFilesTests {
    private func series(_ path: String) -> WrittenFiles.Series {
        let name = path.split(separator: "/").last.map(String.init) ?? ""
        let stem = name.split(separator: ".").first.map(String.init) ?? ""
        return WrittenFiles.Series(owner: "[sink \"out\"]", path: path) { $0 == name || $0.hasPrefix(stem + "-2026") }
    }

    @Test func `a sink's file and its rotated files are left out, now and when they come later, and told once`() throws
    {
        let bench = try FollowerBench("*.log*")
        bench.settings.written = WrittenFiles([series(bench.path("out.log"))])
        bench.restart()
        bench.append("a.log", "1\n")
        bench.append("out.log", "1\n")
        bench.settle()
        bench.append("out-20260115T093012.480Z.1.log", "1\n")
        bench.append("a.log", "2\n")
        bench.settle()
        #expect(bench.lines == ["1", "2"])
        #expect(bench.log.texts.filter { $0.contains("out.log") && $0.contains("[sink \"out\"]") }.count == 1)
    }

    @Test func `no other name leads to it: not a link, not another spelling, not a second name of the inode`() throws {
        let bench = try FollowerBench("in/*.log")
        try FileManager.default.createDirectory(atPath: bench.path("in"), withIntermediateDirectories: false)
        bench.link("linked", to: "in")
        bench.settings.written = WrittenFiles([series(bench.path("linked/./out.log")), series(bench.path("far.log"))])
        bench.restart()
        bench.append("far.log", "far\n")
        bench.append("in/out.log", "out\n")
        bench.link("in/by-link.log", to: "far.log")
        try FileManager.default.linkItem(atPath: bench.path("far.log"), toPath: bench.path("in/by-name.log"))
        bench.append("in/a.log", "1\n")
        bench.settle()
        #expect(bench.lines == ["1"])
    }

    @Test func `what an earlier run has read of it is forgotten`() throws {
        let bench = try FollowerBench("*.log")
        bench.append("out.log", "1\n")
        bench.settle()
        bench.settings.written = WrittenFiles([series(bench.path("out.log"))])
        bench.restart()
        bench.append("out.log", "2\n")
        bench.settleAll()
        #expect(bench.lines == ["1"])
        #expect(Set(bench.checkpoints.keys) == [FileFollower.startedKey])
    }

    @Test func `without sinks' files nothing is looked up`() {
        var look = WrittenFiles().look()
        #expect(look.owner(of: "/log/a.log", FileIdentity(device: 1, inode: 1)) == nil)
    }
}
