private import CConnlog
import Synchronization

#if canImport(Glibc)
import Glibc
#endif

/// A program that this one has started, connected with it by a channel that is its descriptor 3.
///
/// It has no other descriptor but standard error, and is in a process group of its own, so that a terminal's Ctrl-C is
/// not its to take. Whoever starts one calls `wait` once.
package final class ChildProcess: Sendable {
    /// How it ended.
    package enum End: Sendable, Equatable, CustomStringConvertible {
        case exited(Int32)
        case killed(Int32)

        package var description: String {
            switch self {
            case .exited(let status): "exit status \(status)"
            case .killed(let signal): "signal \(signal)"
            }
        }
    }

    package let processID: Int32
    private let isOver = Mutex(false)

    private init(processID: Int32) { self.processID = processID }

    /// Starts this very program anew, whatever has become of its file.
    /// - Parameters:
    ///   - arguments: without the program's name.
    ///   - environment: added to what this process was started with.
    ///   - channel: becomes the child's; this process keeps the other end.
    package static func again(
        _ arguments: [String], environment: [String: String], channel: FrameChannel
    ) throws(SystemError) -> ChildProcess {
        var pid: pid_t = 0
        let words = unsafe (["connlog"] + arguments).map { unsafe strdup($0) } + [nil]
        let kept = inherited(without: Set(environment.keys))
        let variables = unsafe (kept + environment.map { "\($0)=\($1)" }).map { unsafe strdup($0) } + [nil]
        defer { unsafe (words + variables).forEach { unsafe free($0) } }
        let failure = unsafe connlog_spawn(&pid, "/proc/self/exe", words, variables, channel.descriptor)
        guard failure == 0 else { throw SystemError(code: failure, call: "posix_spawn", subject: "/proc/self/exe") }
        return ChildProcess(processID: pid)
    }

    private static func inherited(without names: Set<String>) -> [String] {
        var found: [String] = []
        var next = unsafe environ
        while let entry = unsafe next.pointee {
            let text = unsafe String(cString: entry)
            if !names.contains(String(text.prefix { $0 != "=" })) { found.append(text) }
            unsafe next += 1
        }
        return found
    }

    /// Sends a signal, unless it has ended.
    package func signal(_ number: Int32) {
        isOver.withLock { isOver in
            if !isOver { kill(processID, number) }
        }
    }

    /// Waits for its end. Called once, by a thread that may wait.
    package func wait() -> End {
        var information = unsafe siginfo_t()
        // It stays a zombie until the lock is held, so that no signal goes to another process of its number.
        while unsafe waitid(P_PID, id_t(processID), &information, WEXITED | WNOWAIT) != 0, errorNumber == EINTR {}
        return isOver.withLock { isOver in
            isOver = true
            var raw: Int32 = 0
            while unsafe waitpid(processID, &raw, 0) < 0, errorNumber == EINTR {}
            let signal = raw & 0x7f
            return signal == 0 ? .exited(raw >> 8 & 0xff) : .killed(signal)
        }
    }
}
