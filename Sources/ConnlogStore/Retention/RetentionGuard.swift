/// Holds back a step that would let go of more than usual until it has been due for an hour.
///
/// Usual is a twentieth of the rows, or what comes in three hours, where little is kept; never more than half. More than that is due
/// after a long stop, when `retention` was made shorter, or when a clock is wrong.
struct RetentionGuard: Sendable {
    private var dueSince: Duration?
    /// A large step that was due for an hour is under way.
    private var isReleased = false

    enum Decision: Sendable, Equatable {
        case go
        /// - Parameter isNew: it was not so the last time.
        case wait(isNew: Bool)
    }

    static func usual(rows: Int, age: Duration) -> Int {
        let threeHours = Double(rows) * (.seconds(3 * 3600) / max(age, .seconds(1)))
        return max(1, rows / 20, min(rows / 2, Int(threeHours.rounded())))
    }

    /// - Parameters:
    ///   - due: how many rows are too old; more than `usual` need not be counted.
    ///   - counted: a time that only counts.
    ///   - isInDoubt: the machine's clock has jumped.
    mutating func decide(due: Int, usual: Int, counted: Duration, isInDoubt: Bool) -> Decision {
        guard due > usual else {
            (dueSince, isReleased) = (nil, false)
            return due == 0 || !isInDoubt ? .go : .wait(isNew: false)
        }
        if isReleased, !isInDoubt { return .go }
        isReleased = false
        guard let since = dueSince else {
            dueSince = counted
            return .wait(isNew: true)
        }
        guard counted - since >= SteadyTime.proof, !isInDoubt else { return .wait(isNew: false) }
        isReleased = true
        return .go
    }
}
