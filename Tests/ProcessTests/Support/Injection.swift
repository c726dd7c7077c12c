import Foundation

/// System calls of a running process fail, by strace, until `stop`.
final class Injection {
    private let child: Child
    private let log: URL
    private let begun = ContinuousClock.now

    /// - Parameters:
    ///   - calls: their names, with commas between them.
    ///   - error: such as `EIO`.
    init(_ calls: String, failWith error: String, in process: Int32, _ workplace: Workplace) throws {
        let log = workplace.url("strace-\(UUID().uuidString.prefix(8))")
        self.log = log
        let child = try Child(
            "/usr/bin/env",
            [
                "strace", "-f", "-qq", "-p", "\(process)", "-o", log.path, "-e", "trace=\(calls)", "-e",
                "inject=\(calls):error=\(error)",
            ], in: workplace, named: "strace")
        self.child = child
        try eventually("strace has every thread") {
            guard child.isRunning else { throw Child.Failure(description: "strace: \(child.errors)") }
            return ProcessStatus(process).isTraced
        }
    }

    /// Calls that have failed so far.
    var count: Int { read(log).split(separator: "\n").count { $0.contains("(INJECTED)") } }

    var seconds: Double { (ContinuousClock.now - begun) / .seconds(1) }

    /// Lets the process go on without it.
    func stop() throws { try child.stop(SIGINT) }

    /// Whether strace is there and may attach to a process, tried once.
    static let isPossible: Bool = {
        guard let workplace = try? Workplace(),
            let sleeper = try? Child("/usr/bin/env", ["cat"], in: workplace, named: "sleeper")
        else { return false }
        return (try? Injection("fsync", failWith: "EIO", in: sleeper.pid, workplace).stop()) != nil
    }()
}

/// What the kernel says of a process.
struct ProcessStatus {
    private let process: Int32

    init(_ process: Int32) { self.process = process }

    private func text(_ name: String) -> String { read(URL(filePath: "/proc/\(process)/\(name)")) }

    /// Seconds of processor time that it has used.
    var processorSeconds: Double {
        // The name of the program, in brackets, may hold blanks: count from after it.
        let fields = text("stat").split(separator: ")").last?.split(separator: " ") ?? []
        guard fields.count > 12, let user = Double(fields[11]), let system = Double(fields[12]) else { return 0 }
        return (user + system) / 100
    }

    /// Whether every thread of it is traced.
    var isTraced: Bool {
        let tasks = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(process)/task")) ?? []
        return !tasks.isEmpty && tasks.allSatisfy { !text("task/\($0)/status").contains("TracerPid:\t0\n") }
    }
}
