import Foundation

/// A program that writes coderd's log as it goes on, and rotates it by renaming.
final class Feeder {
    struct Counts: Decodable {
        let lines: Int
        let events: Int
        let files: Int
    }

    /// What `path` of the source must be to find the log and what was rotated away.
    let pattern: URL
    /// The IDs of the events written so far, one a line.
    let identifiers: URL
    private let child: Child

    /// - Parameters:
    ///   - rate: lines a second.
    ///   - rotateBytes: how large the log becomes before it is rotated.
    init(rate: Int, rotateBytes: Int = 4 << 20, seed: Int, in workplace: Workplace) throws {
        let folder = workplace.url("input")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        pattern = folder.appending(path: "*.log")
        identifiers = workplace.url("fed.ids")
        child = try Child(
            "/usr/bin/env",
            [
                "python3", Project.tools.appending(path: "feed_log.py").path, "--out",
                folder.appending(path: "coderd.log").path, "--ids", identifiers.path, "--rate", "\(rate)",
                "--rotate-bytes", "\(rotateBytes)", "--seed", "\(seed)",
            ], in: workplace, named: "feeder")
    }

    /// Events written so far.
    var events: Int {
        let size = (try? FileManager.default.attributesOfItem(atPath: identifiers.path)[.size] as? Int) ?? 0
        return size / 37
    }

    /// Ends it and says what it has written.
    func stop() throws -> Counts {
        child.closeInput()
        let end = try child.wait()
        guard end.status == 0 else { throw Child.Failure(description: "the feeder failed: \(end.errors)") }
        return try JSONDecoder().decode(Counts.self, from: Data(end.output.utf8))
    }
}
