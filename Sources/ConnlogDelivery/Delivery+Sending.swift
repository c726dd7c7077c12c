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

    /// Batches that the sink is working on.
    private var underWay: Int { window.reduce(0) { $0 + ($1.state == .sending ? 1 : 0) } }

    private var mayRead: Bool {
        let room = window.count < limits.inFlight + Delivery.windowExtra
        return room && breaker.allowance(of: limits.inFlight, underWay: underWay) > 0
    }

    private func startReady(_ group: inout TaskGroup<Wake>) {
        var underWay = underWay
        for index in window.indices where window[index].state == .ready {
            guard breaker.allowance(of: limits.inFlight, underWay: underWay) > 0 else { return }
            underWay += 1
            window[index].state = .sending
            let id = window[index].id
            let batch = window[index].parts[0].batch
            let sink = sink
            group.addTask { .outcome(await sink.send(batch), flight: id) }
        }
    }

    /// Asks for the oldest proof that is outstanding; one at a time, in the order of the queue.
    private func startProof(_ group: inout TaskGroup<Wake>) {
        for index in window.indices {
            if window[index].state == .proving { return }
            guard case .accepted(let receipt) = window[index].state else { continue }
            window[index].state = .proving
            let id = window[index].id
            let sink = sink
            group.addTask { .outcome(await sink.outcome(of: receipt), flight: id) }
            return
        }
    }

    private func startPause(_ group: inout TaskGroup<Wake>) {
        guard let pause = pauseToStart else { return }
        pauseToStart = nil
        let clock = clock
        group.addTask {
            try? await Task.sleep(for: pause, clock: clock)
            return .pauseOver
        }
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
        guard let index = window.firstIndex(where: { $0.id == id }) else { return }
        let count = window[index].parts[0].batch.count
        switch NextAction.after(outcome, count: count) {
        case .done:
            succeeded(count)
            bytesMax = min(limits.bytes, bytesMax + bytesMax / 16)
            recycle(window[index].finishPart())
        case .commitPrefix(let count):
            commitPrefix(count, of: index)
        case .awaitProof(let receipt):
            breaker.succeeded()
            window[index].state = .accepted(receipt)
        case .wait(let kind, let reason):
            if reason.mayRepeat { update { $0.possibleRepeats += count } }
            window[index].state = .ready
            pause(kind, reason)
        case .isolate(let before, let reason):
            succeeded(before)
            bury(before, reason, flight: index)
        case .halve(let reason):
            if case .tooLarge = outcome { bytesMax = max(64 << 10, bytesMax / 2) }
            halve(index, reason)
        case .deadLetter(let reason):
            bury(0, reason, flight: index)
        }
        retire()
    }

    private func succeeded(_ count: Int) {
        breaker.succeeded()
        recovered()
        update { $0.delivered += count }
    }

    private func commitPrefix(_ count: Int, of index: Int) {
        succeeded(count)
        isCommitDue = true
        guard count > 0 else {
            window[index].state = .ready
            return
        }
        if index == 0 { frontier = window[0].parts[0].offsets[count - 1] + 1 }
        window[index].drop(count)
    }

    private func halve(_ index: Int, _ reason: Reason) {
        breaker.succeeded()
        update {
            $0.halvings += 1
            $0.lastError = reason
            $0.lastErrorTime = wallTime.now()
        }
        window[index].halve()
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
