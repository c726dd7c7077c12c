import ConnlogSystem
import ConnlogTestSupport
import Foundation
import Testing

/// Files of any year: whoever may set a file's time must not end who looks at it.
@Suite struct FileTimeTests {
    @Test(arguments: ["1900-01-01", "1969-12-31", "2026-01-01", "2262-04-12", "2400-01-01"])
    func `a file's time is the nearest that can be told`(day: String) throws {
        let path = FileManager.default.temporaryDirectory.path + "/connlog-time-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: path) }
        #expect(FileManager.default.createFile(atPath: path, contents: nil))
        _ = try SpawnedProgram("/usr/bin/env", ["touch", "-d", "\(day)T00:00:00Z", path]).wait()
        let modified = try FileStatus(of: path).modified
        #expect((modified == .max) == (day > "2262-04-11"))
        #expect((modified < 0) == (day < "1970"))
    }
}
