#if Server
import Synchronization

/// What would be said again and again: the first of it within a minute, then how often.
final class RepeatedWords: Sendable {
    private struct Said {
        var since: ContinuousClock.Instant
        var times = 1
    }

    static let pause = Duration.seconds(60)
    private static let countMax = 1000
    private let firstMost: Int
    private let said = Mutex<[String: Said]>([:])

    /// - Parameter firstMost: so many are said within a minute before the rest is only counted.
    init(first firstMost: Int = 1) { self.firstMost = firstMost }

    /// What to say now; `nil`: nothing.
    func words(_ text: String, now: ContinuousClock.Instant = .now) -> String? {
        said.withLock { said in
            guard var known = said[text] else {
                if said.count >= RepeatedWords.countMax { said.removeAll() }
                said[text] = Said(since: now)
                return text
            }
            let unsaid = known.times - firstMost
            if now - known.since >= RepeatedWords.pause {
                known = Said(since: now)
            } else {
                known.times += 1
            }
            said[text] = known
            if known.times > firstMost { return nil }
            return known.times == 1 && unsaid > 0 ? "\(text) (and \(unsaid) times more since it was said last)" : text
        }
    }
}
#endif
