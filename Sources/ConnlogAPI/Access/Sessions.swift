#if Server
import Synchronization

/// The page's logins: random ids, each standing for the token that it was begun with, in memory alone.
///
/// So a restart ends them all, and whoever takes the token out of the configuration ends those that hang on it.
final class Sessions: Sendable {
    /// One that nobody used for so long is over.
    static let idleMax = Duration.seconds(4 * 3600)
    /// However much it is used.
    static let ageMax = Duration.seconds(12 * 3600)
    /// With more, the one that was used longest ago is over.
    static let countMax = 4096
    static let countOfTokenMax = 64

    private struct Session {
        let tokenHash: [UInt8]
        let began: ContinuousClock.Instant
        var used: ContinuousClock.Instant

        func isOver(_ now: ContinuousClock.Instant) -> Bool {
            now - began >= Sessions.ageMax || now - used >= Sessions.idleMax
        }
    }

    private let sessions = Mutex<[String: Session]>([:])

    /// A new one's id.
    func begin(_ tokenHash: [UInt8], now: ContinuousClock.Instant = .now) -> String {
        let id = TokenText.random()
        sessions.withLock { sessions in
            sessions = sessions.filter { !$0.value.isOver(now) }
            Sessions.make(room: Sessions.countOfTokenMax, &sessions) { $0.tokenHash == tokenHash }
            Sessions.make(room: Sessions.countMax, &sessions) { _ in true }
            sessions[id] = Session(tokenHash: tokenHash, began: now, used: now)
        }
        return id
    }

    private static func make(room most: Int, _ sessions: inout [String: Session], _ counts: (Session) -> Bool) {
        let those = sessions.filter { counts($0.value) }.sorted { $0.value.used < $1.value.used }
        for (id, _) in those.prefix(max(0, those.count - most + 1)) { sessions[id] = nil }
    }

    /// The SHA-256 of the token that it stands for; `nil` when it is over.
    func tokenHash(of id: String, now: ContinuousClock.Instant = .now) -> [UInt8]? {
        sessions.withLock { sessions in
            guard let session = sessions[id] else { return nil }
            if session.isOver(now) {
                sessions[id] = nil
                return nil
            }
            sessions[id]?.used = now
            return session.tokenHash
        }
    }

    func end(_ id: String) { sessions.withLock { $0[id] = nil } }

    var count: Int { sessions.withLock { $0.count } }
}
#endif
