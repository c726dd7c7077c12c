import ConnlogCore
import ConnlogQueue
import ConnlogSystem

/// What is wrong with the sink at the moment, so that the log says it once and not at every attempt.
struct Trouble {
    /// An unchanged complaint is repeated after this long.
    static let repeatInterval: Nanoseconds = 300_000_000_000

    var since: Nanoseconds?
    var lastSaid: (label: String, time: Nanoseconds)?

    /// Whether this complaint should be said now.
    mutating func shouldSay(_ reason: Reason, at now: Nanoseconds) -> Bool {
        since = since ?? now
        if let lastSaid, lastSaid.label == reason.label, now - lastSaid.time < Trouble.repeatInterval { return false }
        lastSaid = (reason.label, now)
        return true
    }
}

extension Delivery {
    /// Something failed: nothing is sent for a while, and the log says why, unless it just did.
    func pause(_ kind: Pause, _ reason: Reason) {
        let now = wallTime.now()
        update {
            $0.retries[reason.label, default: 0] += 1
            $0.state = kind == .hold ? .holding(reason) : .retrying(reason)
            $0.lastError = reason
            $0.lastErrorTime = now
        }
        let duration = breaker.failed(kind, using: &generator)
        if let duration {
            pauseToStart = duration
            isHolding = kind == .hold
        }
        guard trouble.shouldSay(reason, at: now) else { return }
        let next = duration.map { "trying again in \(Delivery.rounded($0))" } ?? "trying again"
        switch kind {
        case .retry: log(.warning, "sink \(name): \(reason); nothing is lost, \(next)")
        case .hold: log(.error, "sink \(name): \(reason); everything is kept until this is mended, \(next)")
        }
    }

    /// Something went through: the trouble, if there was one, is over.
    func recovered() {
        update { $0.state = .working }
        guard let since = trouble.since else { return }
        trouble = Trouble()
        let waiting = queue.end - min(queue.end, frontier)
        let lasted = Delivery.rounded(.nanoseconds(wallTime.now() - since))
        log(.info, "sink \(name): working again after \(lasted); \(waiting) events were waiting")
    }

    static func rounded(_ duration: Duration) -> String {
        let seconds = duration / .seconds(1)
        return seconds < 10 ? "\((seconds * 10).rounded() / 10) s" : "\(Int(seconds.rounded())) s"
    }
}
