#if Server
import Synchronization

/// What the server itself counts.
final class HTTPCounts: Sendable {
    struct Place: Hashable {
        /// One of the routes there are, never what somebody made up.
        let route: String
        let status: Int
    }

    /// What was asked, and what came of it; words of our own.
    struct SignIn: Hashable {
        let type: String
        let outcome: String
    }

    struct Snapshot {
        var requests: [Place: Int] = [:]
        var seconds: [String: Double] = [:]
        var open = 0
        /// Connections closed at once, since their address had too many.
        var connectionsRefused = 0
        /// Connections closed while something was under way, by reason.
        var connectionsCut: [String: Int] = ["slow_body": 0, "slow_reader": 0]
        /// What was said of people whom somebody else vouches for.
        var signIns: [SignIn: Int] = [:]
    }

    private let state = Mutex(Snapshot())

    var snapshot: Snapshot { state.withLock { $0 } }

    func begin() { state.withLock { $0.open += 1 } }

    func end(_ route: String, _ status: Int, _ time: Duration) {
        state.withLock {
            $0.open -= 1
            $0.requests[Place(route: route, status: status), default: 0] += 1
            $0.seconds[route, default: 0] += time / .seconds(1)
        }
    }

    func signIn(_ type: String, _ outcome: String) {
        state.withLock { $0.signIns[SignIn(type: type, outcome: outcome), default: 0] += 1 }
    }

    func refuseConnection() { state.withLock { $0.connectionsRefused += 1 } }
    func cut(_ reason: String) { state.withLock { $0.connectionsCut[reason, default: 0] += 1 } }
}
#endif
