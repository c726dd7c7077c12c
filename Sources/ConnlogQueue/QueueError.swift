public import ConnlogSystem

/// Why the queue could not do as asked.
public enum QueueError: Error, Equatable, Sendable, CustomStringConvertible {
    /// Another process has this queue open. `file` is the lock that it holds.
    case locked(file: String)
    /// A call that has no way around it failed: the directory cannot be made or read, commits cannot be stored.
    case system(SystemError)
    /// A newer connlog wrote `file`. Nothing was touched.
    case newerFormat(file: String, version: Int)
    /// The queue was closed. Nothing of what was handed over in this call was stored.
    case closed
    /// The task was cancelled while it waited for room or for the disk.
    case cancelled
    /// A batch that could never fit: more than a quarter of the queue's bound, or a record of 256 MiB. Nothing of it
    /// was stored.
    case batchTooLarge(bytes: Int, bytesMax: Int)
    /// A key longer than 4 KiB, a value longer than 64 KiB, a sink's name longer than 64 bytes, a state longer than 1 KiB.
    case valueTooLong(what: String, bytes: Int, bytesMax: Int)
    /// Reading event `offset`, at `position` of `file`, came to nothing more than once, though the disk refused nothing.
    /// It is a fault of the program's; the next read begins anew.
    case noProgress(file: String, position: Int, offset: UInt64)
    /// No such sink was registered.
    case unknownSink(String)

    /// One sentence, with the file and the next step.
    public var description: String {
        switch self {
        case .locked(let file):
            "\(file): another connlog holds this lock; stop it, or give this one another data_dir"
        case .system(let error): "queue: \(error)"
        case .newerFormat(let file, let version):
            "\(file): written in format \(version) by a newer connlog; start that one, or move the queue away"
        case .closed: "the queue is closed"
        case .cancelled: "cancelled while waiting for the queue"
        case .batchTooLarge(let bytes, let bytesMax):
            "a batch of \(bytes) bytes cannot be stored, the limit is \(bytesMax); raise queue_size"
        case .valueTooLong(let what, let bytes, let bytesMax):
            "\(what) has \(bytes) bytes; at most \(bytesMax) can be stored"
        case .noProgress(let file, let position, let offset):
            "\(file): event \(offset), at byte \(position), can neither be read nor passed over; please report this, "
                + "with what 'connlog queue verify' says"
        case .unknownSink(let name): "the queue knows no sink '\(name)'"
        }
    }
}
