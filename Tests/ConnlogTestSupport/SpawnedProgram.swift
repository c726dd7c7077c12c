import ConnlogSystem
package import Foundation
import Synchronization

#if canImport(Glibc)
import Glibc
#endif

/// A program that a unit test has started; it is killed when nobody holds it any more.
///
/// Not `Foundation.Process`: on Linux it reads the names of all open files in /proc/self/fd in a way that runs over the
/// end of its buffer when there are more than a thousand, as there are while all tests run at once.
package final class SpawnedProgram: Sendable {
    private let pid: pid_t
    private let folder: URL
    /// The exit status, or minus a signal's number, once it has ended.
    private let status = Mutex<Int32?>(nil)

    /// Starts a program, with standard input empty and no other open file.
    /// - Parameters:
    ///   - program: its path.
    ///   - directory: where it runs; the present directory if nil.
    package init(_ program: String, _ arguments: [String], in directory: URL? = nil) throws {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("connlog-run-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        pid = try SpawnedProgram.spawn(program, arguments, in: directory, saying: folder.path)
    }

    deinit {
        if status.withLock({ $0 == nil }) {
            kill(pid, SIGKILL)
            _ = wait()
        }
        try? FileManager.default.removeItem(at: folder)
    }

    /// What it has written to standard output so far.
    package var output: Data { (try? Data(contentsOf: folder.appendingPathComponent("output"))) ?? Data() }
    package var errors: String {
        String(decoding: (try? Data(contentsOf: folder.appendingPathComponent("errors"))) ?? Data(), as: UTF8.self)
    }

    /// Waits for its end.
    /// - Returns: the exit status, or minus a signal's number.
    package func wait() -> Int32 {
        status.withLock { known in
            if let known { return known }
            var raw: Int32 = 0
            while unsafe waitpid(pid, &raw, 0) < 0, errno == EINTR {}
            let signal = raw & 0x7f
            let status = signal == 0 ? raw >> 8 & 0xff : -signal
            known = status
            return status
        }
    }

    /// Runs a program to its end.
    /// - Throws: when its exit status is not 0, with what it said.
    @discardableResult
    package static func output(
        of program: String, _ arguments: [String], in directory: URL? = nil
    ) throws -> Data {
        let run = try SpawnedProgram(program, arguments, in: directory)
        guard run.wait() == 0 else {
            throw SystemError(code: EINVAL, call: program, subject: run.errors)
        }
        return run.output
    }

    private static func spawn(
        _ program: String, _ arguments: [String], in directory: URL?, saying folder: String
    ) throws -> pid_t {
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        unsafe posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        for (descriptor, name) in [(1, "output"), (2, "errors")] as [(Int32, String)] {
            unsafe posix_spawn_file_actions_addopen(
                &actions, descriptor, "\(folder)/\(name)", O_WRONLY | O_CREAT | O_APPEND, 0o600)
        }
        // Sockets of other tests must not stay open because a program has inherited them.
        let closeFrom = try unsafe gnu("posix_spawn_file_actions_addclosefrom_np", as: CloseFrom.self)
        _ = unsafe closeFrom(&actions, 3)
        if let directory {
            let change = try unsafe gnu("posix_spawn_file_actions_addchdir_np", as: ChangeDirectory.self)
            _ = unsafe change(&actions, directory.path)
        }

        let words = unsafe ([program] + arguments).map { unsafe strdup($0) } + [nil]
        let environment = unsafe ProcessInfo.processInfo.environment.map { unsafe strdup("\($0)=\($1)") } + [nil]
        defer { unsafe (words + environment).forEach { unsafe free($0) } }
        var pid: pid_t = 0
        let failure = unsafe posix_spawn(&pid, program, &actions, nil, words, environment)
        guard failure == 0 else { throw SystemError(code: failure, call: "posix_spawn", subject: program) }
        return pid
    }

    private typealias CloseFrom = @convention(c) (UnsafeMutablePointer<posix_spawn_file_actions_t>, Int32) -> Int32
    private typealias ChangeDirectory =
        @convention(c) (UnsafeMutablePointer<posix_spawn_file_actions_t>, UnsafePointer<CChar>) -> Int32

    /// One of GNU's own functions, which Swift's Glibc does not show.
    private static func gnu<Function>(_ name: String, as type: Function.Type) throws -> Function {
        guard let symbol = unsafe dlsym(nil, name) else {
            throw SystemError(code: ENOSYS, call: "dlsym", subject: name)
        }
        return unsafe unsafeBitCast(symbol, to: type)
    }
}
