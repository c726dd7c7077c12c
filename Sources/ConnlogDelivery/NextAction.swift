import ConnlogCore

/// What to do about one batch, now that its sink has told what became of it.
enum NextAction: Equatable {
    /// The whole batch is done.
    case done
    /// The first `count` events are done: commit, then send the rest.
    case commitPrefix(Int)
    /// Ask the sink for the proof.
    case awaitProof(Receipt)
    /// Nothing is sent for a while (the breaker opens), then this again. `repeats` events may come twice.
    case wait(Pause, Reason)
    /// The first `before` events are done, the next is a dead letter, the rest is sent.
    case isolate(before: Int, Reason)
    /// The first `before` events are sent again on their own, then the rest with the bad event at its head.
    case split(before: Int, Reason)
    /// Nobody knows which event is the bad one, or the batch is too large: two halves, one after the other.
    case halve(Reason)
    /// The only event of the batch is a dead letter.
    case deadLetter(Reason)
}

/// How long a pause is, and what kind.
enum Pause: Equatable {
    /// The receiver is busy or away.
    case retry(atLeast: Duration?)
    /// Somebody has to mend the configuration or the credentials; tried again slowly.
    case hold
}

extension NextAction {
    /// How often in a row a batch may ask for a commit without a single event going through; more is a fault of the
    /// sink's, which must not keep the processor busy.
    static let emptyPrefixesMax = 3

    /// The whole policy, in one place. It depends on nothing but the outcome, the batch's size, and how often in a row
    /// the batch has asked for a commit in vain. How long a pause is, `Pause.length` knows; whether there is one,
    /// `Breaker`.
    static func after(_ outcome: SendOutcome, count: Int, emptyPrefixes: Int = 0) -> NextAction {
        switch outcome {
        case .delivered: .done
        case .deliveredPrefix(let prefix) where prefix >= count: .done
        case .deliveredPrefix(let prefix) where prefix > 0: .commitPrefix(prefix)
        case .deliveredPrefix:
            emptyPrefixes < emptyPrefixesMax ? .commitPrefix(0) : .wait(.retry(atLeast: nil), .noProgress)
        case .accepted(let receipt): .awaitProof(receipt)
        case .retry(let after, let reason): .wait(.retry(atLeast: after), reason)
        case .hold(let reason): .wait(.hold, reason)
        case .rejected(let index?, let reason) where (0..<count).contains(index): .isolate(before: index, reason)
        case .rejectedUnproven(let index, let reason) where (1..<count).contains(index):
            .split(before: index, reason)
        case .rejectedUnproven(0, let reason) where count > 0: .isolate(before: 0, reason)
        case .rejected(_, let reason), .rejectedUnproven(_, let reason):
            count == 1 ? .deadLetter(reason) : .halve(reason)
        case .tooLarge(let reason): count == 1 ? .deadLetter(reason) : .halve(reason)
        }
    }
}

extension Reason {
    fileprivate static let noProgress = Reason("no_progress", "it takes no event of a batch, and commits do not help")
}
