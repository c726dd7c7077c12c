import Foundation

/// A folder of golden files: an input, a line of dashes, and the outcome that the input must have.
///
///     @Test(arguments: GoldenFolder("Golden/diagnostics").cases)
///     func `each mistake is told`(golden: GoldenCase) {
///         #expect(golden.difference(from: outcome(golden.input)) == nil)
///     }
///
/// With `CONNLOG_REWRITE_GOLDEN=1` in the environment `difference` writes the outcome into the file and finds no
/// difference; read the change with `git diff` before it is committed.
package struct GoldenFolder: Sendable {
    /// Between the input and the outcome.
    package static let divider = "\n----------------------------------------\n"

    /// The `Golden` folders stay out of the test bundles, so they are found beside the test's source.
    package let path: String

    /// - Parameter path: relative to the folder of the test file that asks.
    package init(_ path: String, beside file: String = #filePath) {
        self.path = URL(fileURLWithPath: file).deletingLastPathComponent().appendingPathComponent(path).path
    }

    package static var isRewriting: Bool { ProcessInfo.processInfo.environment["CONNLOG_REWRITE_GOLDEN"] == "1" }

    /// Every `.txt` file of the folder, sorted by name.
    package var cases: [GoldenCase] { names.filter { $0.hasSuffix(".txt") }.map { self.case($0) } }

    /// The names of all files in the folder, sorted, so that a test can find the stale ones.
    package var names: [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).sorted()
    }

    /// One file; when it does not exist yet its input is `input`.
    package func `case`(_ name: String, input: String = "") -> GoldenCase {
        let path = self.path + "/" + name
        guard let text = try? String(contentsOfFile: path, encoding: .utf8) else {
            return GoldenCase(name: name, path: path, input: input, outcome: nil)
        }
        guard let divider = text.range(of: GoldenFolder.divider, options: .backwards) else {
            return GoldenCase(name: name, path: path, input: text, outcome: nil)
        }
        return GoldenCase(
            name: name, path: path, input: String(text[..<divider.lowerBound]) + "\n",
            outcome: String(text[divider.upperBound...]))
    }
}

/// One golden file.
package struct GoldenCase: Sendable, CustomStringConvertible {
    package let name: String
    let path: String
    /// What stands above the dashes, with its last line feed.
    package let input: String
    /// What stands below the dashes; `nil` when there are none yet.
    package let outcome: String?

    package var description: String { name }

    /// What differs between `actual` and the file, in one text with the first line that does; `nil` when nothing does.
    package func difference(from actual: String) -> String? {
        if actual == outcome { return nil }
        if GoldenFolder.isRewriting { return rewrite(actual) }
        guard let outcome else { return "\(path) has no outcome; run once with CONNLOG_REWRITE_GOLDEN=1" }
        let expected = outcome.split(separator: "\n", omittingEmptySubsequences: false)
        let found = actual.split(separator: "\n", omittingEmptySubsequences: false)
        let line = zip(expected, found).prefix { $0 == $1 }.count
        return """
            \(path) differs in line \(line + 1) of the outcome
            expected: \(line < expected.count ? String(expected[line]) : "(the end)")
            found:    \(line < found.count ? String(found[line]) : "(the end)")
            CONNLOG_REWRITE_GOLDEN=1 rewrites it. All that was found:
            \(actual)
            """
    }

    private func rewrite(_ actual: String) -> String? {
        var body = input
        if body.hasSuffix("\n") { body.removeLast() }
        do {
            try FileManager.default.createDirectory(
                atPath: (path as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
            try (body + GoldenFolder.divider + actual).write(toFile: path, atomically: true, encoding: .utf8)
            return nil
        } catch {
            return "\(path) cannot be rewritten: \(error)"
        }
    }
}
