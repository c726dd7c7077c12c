import Foundation

/// One of examples/receivers.py: a strict syslog receiver or Splunk HEC stand-in.
final class Receiver {
    /// What it counted, from its last line.
    struct Counts: Decodable {
        let events: Int
        let requests: Int
        let refused: Int
        let connections: Int
        let complaints: Int
        let first: [String]
    }

    enum Kind: String { case syslog, hec }

    let port: Int
    private let child: Child
    private let workplace: Workplace
    private let name: String

    /// Starts one and waits until it listens.
    init(_ kind: Kind, _ options: [String] = [], named name: String, in workplace: Workplace) throws {
        self.workplace = workplace
        self.name = name
        let script = Project.root.appending(path: "examples/receivers.py").path
        child = try Child(
            "/usr/bin/env",
            ["python3", script, kind.rawValue, "--with-stdin", "--ids", workplace.path("\(name).ids")] + options,
            in: workplace, named: name)
        let child = child
        try eventually("\(name) listens") { child.output.contains("\n") || !child.isRunning }
        struct Ready: Decodable { let port: Int }
        port = try JSONDecoder().decode(Ready.self, from: Data(child.output.utf8)).port
    }

    /// The IDs of the events it took; complete once it is stopped.
    var identifiers: Identifiers { Identifiers(files: [workplace.url("\(name).ids")]) }

    func stop() throws -> Counts {
        let end = try child.stop()
        guard let last = end.output.split(separator: "\n").last else {
            throw Child.Failure(description: "\(name) said nothing: \(end.errors)")
        }
        return try JSONDecoder().decode(Counts.self, from: Data(last.utf8))
    }
}
