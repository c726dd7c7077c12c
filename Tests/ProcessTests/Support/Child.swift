import Dispatch
import Foundation
import Glibc

/// A program that a test started. It is killed, by its process id, when nobody holds it any more.
///
/// Its output goes to files, so that it can say as much as it likes, and its standard input stays open until
/// `closeInput` or its end unless something was given to it.
final class Child {
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    /// How a program ended, and what it said.
    struct End {
        /// The exit status, or minus the signal's number.
        let status: Int32
        let output: String
        let errors: String
    }

    let name: String
    private let process = Process()
    private let ended = DispatchSemaphore(value: 0)
    private let input = Pipe()
    private let outputFile: URL
    private let errorFile: URL

    /// Starts a program.
    /// - Parameter stdin: what it reads; an open pipe without a word if nil.
    init(
        _ program: String, _ arguments: [String], in workplace: Workplace, named name: String, stdin: URL? = nil,
        environment: [String: String] = [:]
    ) throws {
        self.name = name
        let label = "\(name)-\(UUID().uuidString.prefix(8))"
        outputFile = try workplace.write("", to: "\(label).out")
        errorFile = try workplace.write("", to: "\(label).err")
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["python3", Project.tools.appending(path: "exec_unmasked.py").path, program] + arguments
        process.currentDirectoryURL = workplace.directory
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        process.standardInput = if let stdin { try FileHandle(forReadingFrom: stdin) } else { input }
        process.standardOutput = try FileHandle(forWritingTo: outputFile)
        process.standardError = try FileHandle(forWritingTo: errorFile)
        let ended = ended
        process.terminationHandler = { _ in ended.signal() }
        try process.run()
    }

    deinit {
        if process.isRunning { kill(process.processIdentifier, SIGKILL) }
    }

    var pid: Int32 { process.processIdentifier }
    var isRunning: Bool { process.isRunning }
    var output: String { read(outputFile) }
    var errors: String { read(errorFile) }

    func closeInput() { try? input.fileHandleForWriting.close() }

    func signal(_ number: Int32) {
        if process.isRunning { kill(process.processIdentifier, number) }
    }

    /// Waits for its end.
    /// - Throws: when it is still running after `patience`; then it is killed.
    func wait() throws -> End {
        guard ended.wait(timeout: .now() + patience / .seconds(1)) == .success else {
            signal(SIGKILL)
            throw Failure(description: "\(name) did not end within \(patience); it said: \(output)\(errors)")
        }
        // For whoever waits again.
        ended.signal()
        let reason = process.terminationReason
        let status = reason == .exit ? process.terminationStatus : -process.terminationStatus
        return End(status: status, output: output, errors: errors)
    }

    /// Asks it to end and waits for that.
    @discardableResult
    func stop(_ signal: Int32 = SIGTERM) throws -> End {
        self.signal(signal)
        return try wait()
    }

    /// Runs a program to its end.
    static func run(
        _ program: String, _ arguments: [String], in workplace: Workplace, stdin: URL? = nil
    ) throws -> End {
        let child = try Child(
            program, arguments, in: workplace, named: URL(filePath: program).lastPathComponent, stdin: stdin)
        if stdin == nil { child.closeInput() }
        return try child.wait()
    }

    /// Runs commands in the workplace; one that fails is a failure.
    static func shell(_ commands: String, in workplace: Workplace) throws {
        let end = try run("/bin/sh", ["-ec", commands], in: workplace)
        guard end.status == 0 else { throw Failure(description: "\(commands): \(end.errors)") }
    }

    /// Runs one of the repository's Python tools and returns what it printed.
    /// - Throws: when its exit status is not 0, unless `anyStatus`.
    static func tool(
        _ script: String, _ arguments: [String], in workplace: Workplace, anyStatus: Bool = false
    ) throws -> String {
        let path = Project.tools.appending(path: script).path
        let end = try run("/usr/bin/env", ["python3", path] + arguments, in: workplace)
        guard anyStatus || end.status == 0 else {
            throw Failure(description: "\(script) ended with status \(end.status): \(end.errors)")
        }
        return end.output
    }
}

/// How long a test waits for what must come. It ends a test that hangs, and promises nothing: longer than anything takes
/// on a slow machine that others use too.
let patience = Duration.seconds(600)

/// Waits until something outside this process is so, looking at it every 10 ms.
/// - Throws: when it is not so after `patience`.
func eventually(_ what: String, _ isSo: () throws -> Bool) throws {
    let deadline = ContinuousClock.now + patience
    let never = DispatchSemaphore(value: 0)
    while try !isSo() {
        guard ContinuousClock.now < deadline else {
            throw Child.Failure(description: "still not so after \(patience): \(what)")
        }
        _ = never.wait(timeout: .now() + .milliseconds(10))
    }
}
