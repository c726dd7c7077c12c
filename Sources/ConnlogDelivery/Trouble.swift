import ConnlogCore
import ConnlogQueue
import ConnlogSystem

/// What is wrong with the sink at the moment, so that the log says it once and not at every attempt.
struct Trouble {
    /// An unchanged complaint is repeated after this long.
    static let repeatInterval: Nanoseconds = 300_000_000_000

    var since: Nanoseconds?
    /// When each complaint was said last, by its label.
    private var said: [String: Nanoseconds] = [:]

    /// Whether this complaint should be said now.
    /// - Parameter now: by a clock that nobody sets (`WallTime.uptime`), as all times here.
    mutating func shouldSay(_ reason: Reason, at now: Nanoseconds) -> Bool {
        since = since ?? now
        if let last = said[reason.label], now - last < Trouble.repeatInterval { return false }
        said[reason.label] = now
        return true
    }
}

extension Delivery {
    /// Something failed: nothing is sent for a while, and the log says why, unless it just did.
    ///
    /// - Parameter begunAfter: the pauses before that was begun, if it was not just now.
    func pause(_ kind: Pause, _ reason: Reason, begunAfter: UInt64? = nil) {
        let now = wallTime.now()
        let duration = breaker.failed(kind, begunAfter: begunAfter ?? breaker.pauses, using: &generator)
        if let duration {
            vitals.step()
            pauseToStart = PauseToStart(length: duration, number: breaker.pauses, isHold: kind == .hold)
        }
        let isOldNews = breaker.state == .closed
        update {
            $0.retries[reason.label, default: 0] += 1
            if !isOldNews { $0.state = kind == .hold ? .holding(reason) : .retrying(reason) }
            $0.lastError = reason
            $0.lastErrorTime = now
        }
        guard !isOldNews else { return }
        guard trouble.shouldSay(reason, at: wallTime.uptime()) else { return }
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
        let lasted = Delivery.rounded(.nanoseconds(wallTime.uptime() - since))
        log(.info, "sink \(name): working again after \(lasted); \(waiting) events were waiting")
    }

    static func rounded(_ duration: Duration) -> String {
        let seconds = duration / .seconds(1)
        return seconds < 10 ? "\((seconds * 10).rounded() / 10) s" : "\(Int(seconds.rounded())) s"
    }
}
