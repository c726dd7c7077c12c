internal import ConnlogSystem

/// Why a group could not be stored now.
enum StoreFailure: Error {
    /// The queue's bound is reached, and the sink named keeps the oldest segment.
    case full(sink: String?)
    /// The quota of the sink named is reached.
    case sinkFull(sink: String)
    /// The file system would have less than this free.
    case low(freeBytesMin: Int)
    /// The directory is not where it was.
    case lost(String)
    case system(SystemError)

    var state: QueueStatus.State {
        switch self {
        case .full(let sink): .full(sink: sink)
        case .sinkFull(let sink): .sinkFull(sink: sink)
        case .low(let bytes): .diskLow(freeBytesMin: bytes)
        case .lost(let why): .failed(why)
        case .system(let error): error.isNoSpace ? .diskFull : .failed(error.description)
        }
    }

    /// A commit may be all that is needed.
    var endsOnCommit: Bool {
        switch self {
        case .full, .sinkFull, .lost: true
        case .low, .system: false
        }
    }
}
