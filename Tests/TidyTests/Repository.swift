import ConnlogTestSupport
import Foundation

/// The repository's own files, as git knows them: tracked ones, and new ones that are not ignored.
enum Repository {
    /// A line against a rule.
    struct Finding: CustomStringConvertible {
        let path: String
        /// From 1.
        let number: Int
        let line: String

        var description: String { "\(path):\(number): \(line)" }
        func isBelow(_ folder: String) -> Bool { path.hasPrefix(folder + "/") }
    }

    static let root = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    /// All paths, from the root.
    static func paths() throws -> [String] {
        try output("git", ["ls-files", "--cached", "--others", "--exclude-standard"]).split(separator: "\n")
            .map(String.init).filter { FileManager.default.fileExists(atPath: root.appending(path: $0).path) }
    }

    /// Every line that matches an extended regular expression in the files that the path patterns name.
    ///
    /// git looks for them, which takes a hundredth of the time that it takes here.
    static func findings(_ expression: String, in patterns: [String]) throws -> [Finding] {
        let arguments = ["-c", "grep.patternType=extended", "grep", "-nI", "--untracked", "-e", expression, "--"]
        return try output("git", arguments + patterns).split(separator: "\n").compactMap { line in
            let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard parts.count == 3, let number = Int(parts[1]) else { return nil }
            return Finding(path: String(parts[0]), number: number, line: String(parts[2]))
        }
    }

    static func lines(of path: String) throws -> [String] {
        try String(contentsOf: root.appending(path: path), encoding: .utf8)
            .split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    }

    /// What a program prints when it is run at the root.
    static func output(_ program: String, _ arguments: [String]) throws -> String {
        let run = try SpawnedProgram("/usr/bin/env", [program] + arguments, in: root)
        _ = run.wait()
        return String(decoding: run.output, as: UTF8.self)
    }
}
