import ConnlogCore
import ConnlogQueue
import ConnlogSystem

/// Starting what can be started, and acting on what came of it.
extension Delivery {
    /// Starts sends, proofs, reads, timers and waits: whatever can go on now.
    func proceed(_ group: inout TaskGroup<Wake>) {
        startPause(&group)
        startReady(&group)
        while mayRead, readFlight() { startReady(&group) }
        // Nothing to probe with: the next event will show.
        if breaker.state == .probing, window.isEmpty, gathering == nil { breaker.succeeded() }
        startProof(&group)
        startWaits(&group)
    }

    /// Another batch may be begun.
    private var maySend: Bool { breaker.allowance(of: limits.inFlight, underWay: window.sending) > 0 }

    private var mayRead: Bool { window.count < limits.inFlight + limits.proofs.countMax && maySend }

    private func startReady(_ group: inout TaskGroup<Wake>) {
        while maySend, let index = window.firstReady {
            do throws(QueueError) {
                if window[index].parts[0].isReleased { try readAgain(index) }
            } catch {
                return pause(
                    .retry(atLeast: nil),
                    Reason("queue_unreadable", "the queue cannot be read, trying again: \(error)"))
            }
            // What was to be read again may have gone.
            guard window[index].state == .ready, let part = window[index].parts.first, !part.isReleased else {
                retire()
                continue
            }
            window.change(index) { $0.state = .sending }
            let id = window[index].id
            let batch = part.batch
            let sink = sink
            group.addTask { .outcome(await sink.send(batch), flight: id) }
        }
    }

    /// Asks for proofs in the order of the queue, for one at a time or for all.
    private func startProof(_ group: inout TaskGroup<Wake>) {
        switch limits.proofs {
        case .inOrder:
            let oldest = window.indices.first { window[$0].state.isUnproven }
            if let oldest { startProof(of: oldest, &group) }
        case .together:
            for id in toProve {
                if let index = window.index(of: id) { startProof(of: index, &group) }
            }
        }
        toProve.removeAll(keepingCapacity: true)
    }

    private func startProof(of index: Int, _ group: inout TaskGroup<Wake>) {
        guard case .accepted(let receipt) = window[index].state else { return }
        window.change(index) { $0.state = .proving }
        let id = window[index].id
        let sink = sink
        group.addTask { .outcome(await sink.outcome(of: receipt), flight: id) }
    }

    /// Gives up the memory of what can be read again, where much may be waiting.
    private func release(_ index: Int) {
        guard case .together = limits.proofs, let batch = window.change(index, { $0.release() }) else { return }
        recycle(batch)
    }

    private func startPause(_ group: inout TaskGroup<Wake>) {
        guard let pause = pauseToStart else { return }
        pauseToStart = nil
        let clock = clock
        group.addTask {
            try? await Task.sleep(for: pause, clock: clock)
            return .pauseOver
        }
        guard isHolding, !isWaitingForMending else { return }
        isWaitingForMending = true
        let sink = sink
        group.addTask { .mended(await sink.mended()) }
    }

    private func startWaits(_ group: inout TaskGroup<Wake>) {
        let clock = clock
        if !isWaitingForMode {
            isWaitingForMode = true
            let signal = signal
            group.addTask {
                await signal.wait()
                return .modeChanged
            }
        }
        if !isWaitingForEvents, reader.position >= queue.end {
            isWaitingForEvents = true
            let queue = queue
            let position = reader.position
            group.addTask {
                await queue.waitForEvents(after: position)
                return .events
            }
        }
        if gathering != nil, !isGatherTimerOn {
            isGatherTimerOn = true
            let wait = limits.wait
            group.addTask {
                try? await Task.sleep(for: wait, clock: clock)
                return .gatheredLongEnough
            }
        }
        if frontier > committed, !isCommitTimerOn, !isCommitDue {
            isCommitTimerOn = true
            let interval = limits.commitInterval
            group.addTask {
                try? await Task.sleep(for: interval, clock: clock)
                return .commitDue
            }
        }
    }

    /// What became of the first part of a batch, and what to do about it.
    func act(on outcome: SendOutcome, of id: UInt64) {
        guard let index = window.index(of: id) else { return }
        let count = window[index].parts[0].count
        let isReleased = window[index].parts[0].isReleased
        let wasProving = window[index].state == .proving
        if wasProving { update { $0.unproven -= count } }
        switch NextAction.after(outcome, count: count) {
        case .done:
            finish(index, count, wasProving)
        case .commitPrefix(let count):
            commitPrefix(count, of: index)
        case .awaitProof(let receipt):
            accepted(index, count, receipt)
        case .wait(let kind, let reason):
            if reason.mayRepeat { update { $0.possibleRepeats += count } }
            window.change(index) { $0.state = .ready }
            release(index)
            pause(kind, reason)
        case .split(let before, let reason):
            if reason.mayRepeat { update { $0.possibleRepeats += before } }
            split(index, at: before, reason)
        case .isolate where isReleased, .deadLetter where isReleased:
            // Events whose memory is gone are sent again, so that the refusal comes once more, with them at hand.
            window.change(index) { $0.state = .ready }
        case .isolate(let before, let reason):
            succeeded(before)
            bury(before, reason, flight: index)
        case .halve(let reason):
            if case .tooLarge = outcome { bytesMax = max(64 << 10, bytesMax / 2) }
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
            succeeded(count)
            bytesMax = min(limits.bytes, bytesMax + bytesMax / 16)
        }
        let isReleased = window[index].parts[0].isReleased
        let batch = window.change(index) { $0.finishPart() }
        if !isReleased { recycle(batch) }
    }

    private func accepted(_ index: Int, _ count: Int, _ receipt: Receipt) {
        breaker.succeeded()
        window.change(index) { $0.state = .accepted(receipt) }
        update { $0.unproven += count }
        guard case .together = limits.proofs else { return }
        recovered()
        bytesMax = min(limits.bytes, bytesMax + bytesMax / 16)
        toProve.append(window[index].id)
        release(index)
    }

    private func succeeded(_ count: Int) {
        breaker.succeeded()
        recovered()
        update { $0.delivered += count }
    }

    private func commitPrefix(_ count: Int, of index: Int) {
        succeeded(count)
        isCommitDue = true
        guard count > 0 else { return window.change(index) { $0.state = .ready } }
        if index == 0 { frontier = window[0].parts[0].offsets[count - 1] + 1 }
        window.change(index) { $0.drop(count) }
    }

    private func split(_ index: Int, at middle: Int, _ reason: Reason) {
        breaker.succeeded()
        update {
            $0.halvings += 1
            $0.lastError = reason
            $0.lastErrorTime = wallTime.now()
        }
        window.change(index) { $0.split(at: middle) }
    }

    /// Moves the frontier over what is done at the front of the window.
    private func retire() {
        while let first = window.first, first.state == .done {
            window.removeFirst()
            advance(to: first.end)
        }
    }

    func advance(to offset: UInt64) {
        frontier = offset
        if limits.commitInterval == .zero { isCommitDue = true }
    }
}

extension Offsets {
    /// With `count` more events from offset `start` on, behind the `present` ones; damage may have left a gap before them.
    func appending(from start: UInt64, count: Int, after present: Int) -> Offsets {
        if case .contiguous(let first) = self, first + UInt64(present) == start { return self }
        return .listed((0..<present).map { self[$0] } + (0..<count).map { start + UInt64($0) })
    }
}
