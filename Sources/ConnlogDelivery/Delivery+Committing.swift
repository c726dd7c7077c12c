import ConnlogCore
import ConnlogQueue
import ConnlogSystem

/// Moving the sink's offset.
extension Delivery {
    /// Commits when it is time and, where the sink makes something durable for it, between two batches.
    func commitIfDue() async {
        if mayCommit { await commit() }
    }

    var mayCommit: Bool {
        guard isCommitDue, doubt == nil, opening == .done else { return false }
        if isCommitOverdue, breaker.state == .open { return false }
        return limits.commitInterval == .zero || window.sending == 0
    }

    /// What the sink has is in doubt, and nothing is under way that would have to end first.
    var mustStartAgain: Bool { doubt != nil && window.sending == 0 }

    /// Nothing may be begun until the commit that is due is made.
    var mustCommitFirst: Bool { isCommitDue && (isCommitOverdue || limits.commitInterval != .zero) }

    /// First the sink makes sure of what it has, then the offset moves.
    func commit() async {
        isCommitDue = false
        guard frontier > committed, doubt == nil else { return }
        vitals.do(.committing)
        let offset = frontier
        let state: [UInt8]
        do throws(SinkError) {
            state = try await sink.commitPoint()
        } catch {
            failedCommitPoints += 1
            doubt = error.reason
            return
        }
        do throws(QueueError) {
            // A sink with a state acts on it once it is committed (a rotated file is compressed and the plain one
            // removed), so a commit that a crash of the machine could take back would not do.
            try queue.commit(name, offset: offset, state: state, durably: !state.isEmpty)
        } catch {
            // The sink has everything, so nothing is sent again; but a crash now would repeat all since the last commit.
            isCommitDue = true
            isCommitOverdue = true
            let text = "the offset cannot be written, trying again: \(error)"
            return pause(.retry(atLeast: nil), Reason("commit_failed", text))
        }
        committed = offset
        vitals.committed(offset)
        committedState = state
        failedCommitPoints = 0
        update { $0.committed = offset }
        await sink.committed()
        guard isCommitOverdue else { return }
        isCommitOverdue = false
        breaker.succeeded(begunAfter: breaker.pauses)
        recovered()
    }

    /// Back to the last commit, and from there again.
    func startAgain() {
        guard let reason = doubt else { return }
        doubt = nil
        window.removeAll()
        toProve = []
        gathering = nil
        update { $0.unproven = 0 }
        reader.seek(to: committed)
        frontier = committed
        update { $0.done = committed }
        opening = .due
        // What is sent in between goes through, so only this knows how often it has failed.
        pause(.retry(atLeast: options.retry.delay(attempt: failedCommitPoints, using: &generator)), reason)
    }
}
