package import ConnlogQueue

extension QueueStatus.State {
    /// One word for counters and programs.
    package var word: String {
        switch self {
        case .ok: "ok"
        case .full: "full"
        case .sinkFull: "sink_full"
        case .diskFull: "disk_full"
        case .diskLow: "disk_low"
        case .failed: "failed"
        case .closed: "closed"
        }
    }
}
