import ConnlogConfig
import ConnlogDaemon
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
        let loaded = Plan.checked(Configuration.load(file.path, schemas: Registry.schemas, planned: Registry.planned))
        return loaded.report(color: false).replacing(folder.path + "/", with: "") + loaded.summary + "\n"
    }

    @Test(arguments: GoldenFolder("Golden/plan").cases)
    func `each mistake in a whole configuration is told with its place`(golden: GoldenCase) throws {
        let difference = golden.difference(from: try report(golden.input))
        #expect(difference == nil, "\(difference ?? "")")
    }
}
