internal import ConnlogCore
internal import ConnlogSystem

/// Counts what happens to a file and says it to the daemon's log.
struct FileReport: Sendable {
    let counters: FileCounters
    let log: LogFunction

    func foreignChange(_ path: String, _ what: String) {
        counters.add(\.foreignChanges)
        log(.warning, "\(path) \(what) by somebody else; nothing in it was touched, new events go to its end")
    }

    func tornLine(_ path: String) {
        counters.add(\.tornLines)
        log(.warning, "\(path) ended in the middle of a line that is not connlog's; a line feed was put after it")
    }

    func setAside(_ path: String, _ copy: String) {
        counters.add(\.tailsSetAside)
        log(.warning, "the end of \(path) was damaged; it was moved to \(copy), and its events are written again")
    }

    func otherNames(_ path: String, _ count: Int) {
        let names = Quantity.count(count, "other name")
        log(
            .warning,
            "\(path) has \(names) (hard links), so what is written goes there too; give connlog a file of its own")
    }

    func clockJumped(_ path: String) {
        log(
            .warning,
            "the clock has jumped; \(path) is not rotated by time (rotate_every) until it was steady for an hour")
    }

    func failedSync(_ error: SystemError) {
        log(.error, "\(error); what was written since the last commit is written again and synced again")
    }
}

extension Reason {
    /// What a file sink says about a call that failed.
    init(file error: SystemError) {
        let (label, step) = Reason.step(error.code)
        self.init(label, "\(error); \(step)\(Reason.waiting)")
    }

    /// The same without what is true only while events wait.
    var trialText: String { text.replacing(Reason.waiting, with: "") }

    private static let waiting = ", the events wait in the queue"

    private static func step(_ code: Int32) -> (label: String, step: String) {
        switch code {
        case Errno.noSpace: ("disk_full", "free some space or lower 'keep'")
        case Errno.quotaExceeded: ("quota_exceeded", "raise the quota or lower 'keep'")
        case Errno.inputOutput: ("input_output", "look at the disk (dmesg) and restart connlog")
        case Errno.accessDenied: ("access_denied", "let connlog's user write there")
        case Errno.notFound: ("not_found", "make the directory or correct 'path'")
        case Errno.isDirectory: ("is_directory", "name a file in 'path'")
        case Errno.symbolicLink: ("symbolic_link", "name the link's target in 'path'")
        case Errno.brokenPipe: ("broken_pipe", "start the reader again")
        default: ("file_error", "look at the file and its directory")
        }
    }
}
