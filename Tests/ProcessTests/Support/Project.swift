import Foundation

/// Where things of this repository are, found from this file's own place.
enum Project {
    static let root = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()
    static let exampleLog = root.appending(path: "examples/coderd.log")
    static let tools = root.appending(path: "Tests/tools")
    static let peers = root.appending(path: ".build/peers")

    /// The connlog to test: `CONNLOG_BINARY`, or the one that was built beside this test.
    static let connlog: URL =
        if let path = ProcessInfo.processInfo.environment["CONNLOG_BINARY"] {
            URL(filePath: path)
        } else {
            URL(filePath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
                .appending(path: "connlog")
        }
}

/// A directory of one test, removed with everything in it when the test is over.
final class Workplace: Sendable {
    let directory: URL
    private let isKept: Bool

    init() throws {
        isKept = false
        directory = FileManager.default.temporaryDirectory.appending(path: "connlog-test-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    }

    /// A directory in the build folder for what all tests share: empty at first, and there until the next run.
    init(keptAs name: String) throws {
        isKept = true
        directory = Project.root.appending(path: ".build/\(name)")
        try? FileManager.default.removeItem(at: directory)
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    }

    deinit {
        if !isKept { try? FileManager.default.removeItem(at: directory) }
    }

    func url(_ name: String) -> URL { directory.appending(path: name) }

    func path(_ name: String) -> String { url(name).path }

    @discardableResult
    func write(_ text: String, to name: String) throws -> URL {
        try text.write(to: url(name), atomically: false, encoding: .utf8)
        return url(name)
    }

    /// A file's text; empty if there is none.
    func text(_ name: String) -> String { read(url(name)) }

    func lines(_ name: String) -> [Substring] { text(name).split(separator: "\n") }
}

/// A file's text, bad bytes replaced; empty if there is no such file.
///
/// Read piece by piece to its end: of a long file in /proc, `Data(contentsOf:)` gives only the first page.
func read(_ file: URL) -> String {
    guard let handle = try? FileHandle(forReadingFrom: file) else { return "" }
    var data = Data()
    while let more = try? handle.read(upToCount: 1 << 20), !more.isEmpty { data += more }
    return String(decoding: data, as: UTF8.self)
}
