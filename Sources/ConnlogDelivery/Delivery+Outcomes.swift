import ConnlogCore
import ConnlogQueue
import ConnlogSystem

/// Acting on what became of a batch.
extension Delivery {
    /// However often a receiver says "too large", batches are not made smaller than this beforehand.
    private static let bytesLeast = 64 << 10

    /// What became of the first part of a batch, and what to do about it.
    func act(on outcome: SendOutcome, of id: UInt64) {
        guard let index = window.index(of: id) else { return }
        vitals.step()
        let count = window[index].parts[0].count
        let isReleased = window[index].parts[0].isReleased
        let begunAfter = window[index].begunAfter
        let wasProving = window[index].state == .proving
        if wasProving { update { $0.unproven -= count } }
        switch NextAction.after(outcome, count: count, emptyPrefixes: window[index].emptyPrefixes) {
        case .done:
            finish(index, count, wasProving)
        case .commitPrefix(let count):
            commitPrefix(count, of: index)
        case .awaitProof(let receipt):
            accepted(index, count, receipt)
        case .wait(.retry, let reason) where wasProving && isReleased && !limits.releasesAccepted:
            proofLost(index, count, reason)
        case .wait(let kind, let reason):
            if reason.mayRepeat { update { $0.possibleRepeats += count } }
            window.change(index) { $0.state = .ready }
            release(index)
            pause(kind, reason, begunAfter: begunAfter)
        case .split(let before, let reason):
            if reason.mayRepeat { update { $0.possibleRepeats += before } }
            split(index, at: before, reason)
        case .isolate where isReleased, .deadLetter where isReleased:
            // Events whose memory is gone are sent again, so that the refusal comes once more, with them at hand.
            window.change(index) { $0.state = .ready }
        case .isolate(let before, let reason):
            bury(before, reason, flight: index)
        case .halve(let reason):
            if case .tooLarge = outcome { bytesMax = max(min(limits.bytes, Delivery.bytesLeast), bytesMax / 2) }
            if reason.mayRepeat { update { $0.possibleRepeats += count } }
            split(index, at: count / 2, reason)
        case .deadLetter(let reason):
            bury(0, reason, flight: index)
        }
        retire()
    }

    private func finish(_ index: Int, _ count: Int, _ wasProving: Bool) {
        // A proof that comes late says nothing about whether the receiver takes events now.
        if wasProving, case .together = limits.proofs {
            update { $0.delivered += count }
        } else {
            succeeded(count, window[index].begunAfter)
            bytesMax = min(limits.bytes, bytesMax + bytesMax / 16)
        }
        let isReleased = window[index].parts[0].isReleased
        let batch = window.change(index) { $0.finishPart() }
        if !isReleased { recycle(batch) }
    }

    private func accepted(_ index: Int, _ count: Int, _ receipt: Receipt) {
        window.change(index) { $0.state = .accepted(receipt) }
        update { $0.unproven += count }
        release(index)
        // Where proofs come one after another, being accepted says nothing: only the proof ends a probe.
        guard case .together = limits.proofs else { return }
        succeeded(0, window[index].begunAfter)
        bytesMax = min(limits.bytes, bytesMax + bytesMax / 16)
        toProve.append(window[index].id)
    }

    /// Proofs that are awaited together come to nothing one by one, long after their sending: the batch is sent again as
    /// soon as the breaker allows, but that one was lost is no reason to stop the others.
    private func proofLost(_ index: Int, _ count: Int, _ reason: Reason) {
        let now = wallTime.now()
        update {
            $0.retries[reason.label, default: 0] += 1
            if reason.mayRepeat { $0.possibleRepeats += count }
            $0.lastError = reason
            $0.lastErrorTime = now
        }
        window.change(index) { $0.state = .ready }
        let uptime = wallTime.uptime()
        if let said = lostProofsSaid[reason.label], uptime - said < Trouble.repeatInterval { return }
        lostProofsSaid[reason.label] = uptime
        log(.warning, "sink \(name): \(reason); they are sent again, nothing is lost")
    }

    /// The receiver, as it was after so many pauses, works.
    func succeeded(_ count: Int, _ begunAfter: UInt64) {
        breaker.succeeded(begunAfter: begunAfter)
        if breaker.state == .closed { recovered() }
        update { $0.delivered += count }
    }

    private func commitPrefix(_ count: Int, of index: Int) {
        if count > 0 { succeeded(count, window[index].begunAfter) }
        isCommitDue = true
        window.change(index) { flight in
            if count > 0 { return flight.drop(count) }
            flight.emptyPrefixes += 1
            flight.state = .ready
        }
    }

    private func split(_ index: Int, at middle: Int, _ reason: Reason) {
        breaker.succeeded(begunAfter: window[index].begunAfter)
        update {
            $0.halvings += 1
            $0.lastError = reason
            $0.lastErrorTime = wallTime.now()
        }
        window.change(index) { $0.split(at: middle) }
    }

    /// Moves the frontier to the first event that is still to be delivered.
    func retire() {
        while let first = window.first, first.state == .done {
            window.removeFirst()
            advance(to: first.end)
        }
        if let next = window.first?.firstPending {
            advance(to: next)
        } else if window.isEmpty, gathering == nil {
            // What was read after the last batch, the filter did not want.
            advance(to: reader.position)
        }
    }

    private func advance(to offset: UInt64) {
        guard offset > frontier else { return }
        frontier = offset
        update { $0.done = offset }
        if limits.commitInterval == .zero { isCommitDue = true }
    }
}
