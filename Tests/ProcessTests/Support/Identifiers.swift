import Foundation

/// Files with the IDs of the events that arrived somewhere: one a line, or in slog JSON lines, gzipped or not.
struct Identifiers {
    /// How they compare with what was sent.
    struct Comparison: Decodable, CustomStringConvertible {
        let expected: Int
        let arrived: Int
        let missing: Int
        /// How many arrived in excess of the first time.
        let repeats: Int
        let foreign: Int
        let examples: [String]

        /// Every one, and none twice.
        var isExact: Bool { isComplete && repeats == 0 }
        /// Every one at least once, and nothing else.
        var isComplete: Bool { expected > 0 && missing == 0 && foreign == 0 }

        var description: String {
            "\(arrived) of \(expected): \(missing) missing, \(repeats) repeated, \(foreign) foreign; \(examples)"
        }
    }

    let files: [URL]

    /// The files in the workplace whose name begins so: a log file and what was rotated away from it.
    static func files(named prefix: String, in workplace: Workplace) -> Identifiers {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: workplace.directory.path)) ?? []
        return Identifiers(files: names.filter { $0.hasPrefix(prefix) }.sorted().map(workplace.url))
    }

    func compared(with expected: URL, in workplace: Workplace) throws -> Comparison {
        let text = try Child.tool(
            "check_ids.py", ([expected] + files).map(\.path), in: workplace, anyStatus: true)
        return try JSONDecoder().decode(Comparison.self, from: Data(text.utf8))
    }

    /// Whether nothing is missing. While files are being rotated one may have another name by the time it is opened; then
    /// nobody can tell yet.
    func haveAll(of expected: URL, in workplace: Workplace) -> Bool {
        (try? compared(with: expected, in: workplace))?.missing == 0
    }
}
