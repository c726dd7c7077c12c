#if Server
import Synchronization

/// The page's logins: random ids, each standing for what it was begun with, in memory alone.
///
/// So a restart ends them all, and whoever takes a token out of the configuration ends those that hang on it.
final class Sessions: Sendable {
    /// One that nobody used for so long is over.
    static let idleMax = Duration.seconds(4 * 3600)
    /// However much it is used.
    static let ageMax = Duration.seconds(12 * 3600)
    /// With more, the one that was used longest ago is over.
    static let countMax = 4096
    static let countOfHolderMax = 64

    private struct Session {
        let grant: Grant
        let holder: [UInt8]
        let began: ContinuousClock.Instant
        var used: ContinuousClock.Instant

        func isOver(_ now: ContinuousClock.Instant) -> Bool {
            now - began >= Sessions.ageMax || now - used >= Sessions.idleMax
        }
    }

    private let sessions = Mutex<[String: Session]>([:])

    /// A new one's id.
    func begin(_ grant: Grant, now: ContinuousClock.Instant = .now) -> String {
        let (id, holder) = (TokenText.random(), grant.holder)
        sessions.withLock { sessions in
            sessions = sessions.filter { !$0.value.isOver(now) }
            Sessions.make(room: Sessions.countOfHolderMax, &sessions) { $0.holder == holder }
            Sessions.make(room: Sessions.countMax, &sessions) { _ in true }
            sessions[id] = Session(grant: grant, holder: holder, began: now, used: now)
        }
        return id
    }

    private static func make(room most: Int, _ sessions: inout [String: Session], _ counts: (Session) -> Bool) {
        let those = sessions.filter { counts($0.value) }.sorted { $0.value.used < $1.value.used }
        for (id, _) in those.prefix(max(0, those.count - most + 1)) { sessions[id] = nil }
    }

    /// What it stands for; `nil` when it is over.
    func grant(of id: String, now: ContinuousClock.Instant = .now) -> Grant? {
        sessions.withLock { sessions in
            guard let session = sessions[id] else { return nil }
            if session.isOver(now) {
                sessions[id] = nil
                return nil
            }
            sessions[id]?.used = now
            return session.grant
        }
    }

    func end(_ id: String) { sessions.withLock { $0[id] = nil } }

    /// Ends all that stand for what is not there any more.
    func keep(_ isGood: (Grant) -> Bool) { sessions.withLock { $0 = $0.filter { isGood($0.value.grant) } } }

    var count: Int { sessions.withLock { $0.count } }
}
#endif
