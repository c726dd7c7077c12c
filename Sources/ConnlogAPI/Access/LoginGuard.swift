#if Server
import Synchronization

/// Slows down whoever tries tokens: after some wrong ones an address has to wait.
///
/// A try takes its place before anybody is asked, so that many at once are no more than one after another.
final class LoginGuard: Sendable {
    private struct Tries {
        var wrong = 0
        var underWay = 0
        /// When the wrong ones are counted from.
        var first: ContinuousClock.Instant
    }

    /// Why an address may not try now.
    enum Wait: Sendable, Equatable {
        /// It was wrong too often, and has to wait so long.
        case wrong(Duration)
        /// It may once others of its tries have ended.
        case busy
    }

    /// So many wrong tokens within a minute; those of which it is not known yet count as such.
    static let failuresMax = 10
    static let pause = Duration.seconds(60)
    /// How long an address that has to wait waits for each of its answers.
    static let slowness = Duration.milliseconds(250)
    /// So many addresses are remembered; with more, those that began longest ago are forgotten.
    static let usualAddressesMax = 10_000

    private let addressesMax: Int
    private let tries = Mutex<[String: Tries]>([:])

    init(addressesMax: Int = LoginGuard.usualAddressesMax) { self.addressesMax = addressesMax }

    /// Takes a place for a try, which `end` has to give back.
    /// - Returns: `nil`: it may be made.
    func begin(_ address: String, now: ContinuousClock.Instant = .now) -> Wait? {
        tries.withLock { tries in
            if tries[address] == nil { LoginGuard.makeRoom(&tries, addressesMax, now) }
            var found = tries[address] ?? Tries(first: now)
            if now - found.first >= LoginGuard.pause { (found.wrong, found.first) = (0, now) }
            if found.wrong >= LoginGuard.failuresMax { return .wrong(LoginGuard.pause - (now - found.first)) }
            if found.wrong + found.underWay >= LoginGuard.failuresMax { return .busy }
            found.underWay += 1
            tries[address] = found
            return nil
        }
    }

    func end(_ address: String, isWrong: Bool, now: ContinuousClock.Instant = .now) {
        tries.withLock { tries in
            // Of an address that was forgotten meanwhile.
            guard var found = tries[address] else { return }
            found.underWay = max(0, found.underWay - 1)
            if isWrong {
                if found.wrong == 0 || now - found.first >= LoginGuard.pause { (found.wrong, found.first) = (0, now) }
                found.wrong += 1
            }
            tries[address] = found.wrong == 0 && found.underWay == 0 ? nil : found
        }
    }

    /// How many addresses are remembered.
    var count: Int { tries.withLock { $0.count } }

    private static func makeRoom(_ tries: inout [String: Tries], _ most: Int, _ now: ContinuousClock.Instant) {
        guard tries.count >= most else { return }
        tries = tries.filter { $0.value.underWay > 0 || now - $0.value.first < pause }
        guard tries.count >= most else { return }
        let oldest = tries.sorted { $0.value.first < $1.value.first }.prefix(tries.count - most / 2)
        for (address, _) in oldest { tries[address] = nil }
    }
}

/// What one request tries: it takes one place of its address, when somebody has to be asked.
final class LoginAttempt: Sendable {
    private enum State {
        case idle, holding, over
        case refused(LoginGuard.Wait)
    }

    private let logins: LoginGuard
    private let address: String
    private let state = Mutex(State.idle)

    init(_ logins: LoginGuard, _ address: String) {
        self.logins = logins
        self.address = address
    }

    /// Whether somebody may be asked for it.
    func mayAsk() -> Bool {
        state.withLock { state in
            switch state {
            case .holding: return true
            case .refused, .over: return false
            case .idle:
                if let wait = logins.begin(address) {
                    state = .refused(wait)
                    return false
                }
                state = .holding
                return true
            }
        }
    }

    /// Why nobody was asked; `nil`: nobody had to be, or somebody was.
    var wait: LoginGuard.Wait? { state.withLock { if case .refused(let wait) = $0 { wait } else { nil } } }

    var hasAsked: Bool { state.withLock { if case .holding = $0 { true } else { false } } }

    /// Gives its place back; a second time it does nothing.
    func end(isWrong: Bool) {
        state.withLock { state in
            guard case .holding = state else { return }
            state = .over
            logins.end(address, isWrong: isWrong)
        }
    }
}
#endif
