import ConnlogCore
import ConnlogQueue

extension QueueNotice {
    /// For the log.
    var line: (LogLevel, String) {
        switch self {
        case .damage(let damage): (.error, "queue: \(damage)")
        case .syncFailed(let error):
            (
                .error,
                "queue: \(error); the file is given up, and what was not safely in it is written to a new one; "
                    + "look at the disk"
            )
        case .dropping(let sink, let reason):
            (
                .warning,
                "sink \(sink): \(reason.words), so its oldest events are given up (on_full = drop_oldest); they are counted"
            )
        case .dropped(let sink, let events, let reason):
            (
                .error,
                "sink \(sink): it has caught up; \(events) events were given up since \(reason.words) (\(reason.rawValue))"
            )
        case .lockGone(let file):
            (
                .error,
                "queue: \(file) was removed or replaced; the directory's own lock keeps another connlog out, where the "
                    + "file system knows such locks; restart connlog to have the file again"
            )
        case .missed(let count): (.error, "queue: \(count) more messages of this kind; see the status")
        }
    }
}

extension DropReason {
    fileprivate var words: String {
        switch self {
        case .sinkFull: "it lagged by its queue_size"
        case .queueFull: "it kept the whole queue at queue_size"
        }
    }
}

extension Monitor {
    /// Who keeps the queue at its bound, and what can be done about it.
    func fullQueue(heldBy sink: String?, _ status: QueueStatus) -> String {
        let rest = "it has reached queue_size of [connlog], so sources wait"
        if sink == nil, status.sinks.allSatisfy({ $0.lag == 0 }) {
            return "\(rest) although every sink has everything: what was read last and what sources remember of their "
                + "files does not fit; make queue_size larger"
        }
        guard let sink else { return "\(rest) until sinks have caught up; nothing is lost" }
        guard status.sinks.contains(where: { $0.name == sink && $0.registered }) else {
            return "\(rest): sink '\(sink)' is not configured any more and keeps its events; "
                + "if they are not wanted, stop connlog and run: connlog queue forget-sink \(sink)"
        }
        return "\(rest) until sink '\(sink)' has caught up; nothing is lost"
    }
}
