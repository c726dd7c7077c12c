import ConnlogConfig
import ConnlogDaemon
import ConnlogPipeline
import ConnlogTestSupport
import Foundation
import Testing

@Suite struct PlanTests {
    /// What `connlog check` prints about a file with this text.
    private func report(_ text: String) throws -> String {
        let folder = FileManager.default.temporaryDirectory.appending(path: "plan-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = folder.appending(path: "connlog.ini")
        try text.write(to: file, atomically: true, encoding: .utf8)
        let loaded = Plan.checked(Registry.connlog.load(file.path))
        return loaded.report(color: false).replacing(folder.path + "/", with: "") + loaded.summary + "\n"
    }

    @Test(arguments: GoldenFolder("Golden/plan").cases)
    func `each mistake in a whole configuration is told with its place`(golden: GoldenCase) throws {
        let difference = golden.difference(from: try report(golden.input))
        #expect(difference == nil, "\(difference ?? "")")
    }

    /// A sink, and what else is in the configuration.
    private func files(_ more: String) throws -> String {
        try report(
            "[sink \"out\"]\ntype = file\npath = out.jsonl\n" + more + "[source \"c\"]\ntype = file\npath = in/*.log\n")
    }

    @Test(arguments: ["out.jsonl", "./out.jsonl", "nowhere/../out.jsonl", "out-20260115T093012.480Z.17.jsonl.gz"])
    func `two sinks with one file are refused, however it is spelled`(path: String) throws {
        let report = try files("[sink \"two\"]\ntype = file\npath = \(path)\n")
        let isFound = path.hasPrefix("nowhere") || report.contains("[sink \"out\"] writes this file already")
        #expect(isFound, "\(report)")
    }

    @Test func `a source that names a sink's file is refused, and one whose wildcard leads there is warned`() throws {
        let named = try report(
            "[source \"c\"]\ntype = file\npath = /tmp/./out.log\n[sink \"out\"]\ntype = file\npath = /tmp/out.log\n")
        #expect(named.contains("error: [source \"c\"] path: [sink \"out\"] writes"), "\(named)")
        let wild = try report(
            "[source \"c\"]\ntype = file\npath = /tmp/./*.log\n[sink \"out\"]\ntype = file\npath = /tmp/out.log\n")
        #expect(wild.contains("warning: [source \"c\"] path:") && !wild.contains("error"), "\(wild)")
        let apart = try files("")
        #expect(!apart.contains("left out"), "\(apart)")
    }
}
