import ConnlogCore
import ConnlogQueue
import ConnlogSystem

/// Starting what can be started.
extension Delivery {
    /// Starts sends, proofs, reads, timers and waits: whatever can go on now.
    func proceed(_ group: inout TaskGroup<Wake>) {
        startReady(&group)
        while mayRead, readFlight() { startReady(&group) }
        // Not before reading: what cannot be read asks for a pause too.
        startPause(&group)
        // Nothing to probe with: the next event will show.
        if breaker.state == .probing, window.isEmpty, gathering == nil, opening == .done { breaker.probeLater() }
        startProof(&group)
        startWaits(&group)
    }

    /// Another batch may be begun.
    private var maySend: Bool {
        guard opening == .done, doubt == nil, !mustCommitFirst, mode < .finishing else { return false }
        let probing = breaker.state == .probing ? window.underWay(begunAfter: breaker.pauses) : 0
        let limit = min(limits.inFlight, max(1, sink.inFlightNow))
        return breaker.allowance(of: limit, underWay: window.sending, probing: probing) > 0
    }

    private var mayRead: Bool {
        window.count < limits.inFlight + limits.proofs.countMax && !window.isHeldUp && maySend
    }

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
            send(index, part, &group)
        }
    }

    private func send(_ index: Int, _ part: Part, _ group: inout TaskGroup<Wake>) {
        let isProbe = breaker.state == .probing
        let pauses = breaker.pauses
        window.change(index) { flight in
            if isProbe, part.count > Breaker.probeEventsMax { flight.split(at: Breaker.probeEventsMax) }
            flight.state = .sending
            flight.begunAfter = pauses
        }
        let id = window[index].id
        let first = window[index].parts[0]
        let place = EventPlace(queue: queue.id, offsets: first.offsets)
        let (sink, vitals) = (sink, vitals)
        vitals.step()
        group.addTask {
            vitals.sent(1)
            defer { vitals.sent(-1) }
            return .outcome(await sink.send(first.batch, at: place), flight: id)
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
        let (sink, vitals) = (sink, vitals)
        group.addTask {
            vitals.proved(1)
            defer { vitals.proved(-1) }
            return .outcome(await sink.outcome(of: receipt), flight: id)
        }
    }

    /// Gives up the memory of what can be read again, where much may be waiting.
    func release(_ index: Int) {
        guard limits.releasesAccepted || limits.proofs.areTogether else { return }
        for batch in window.change(index, { $0.release() }) { recycle(batch) }
    }

    private func startPause(_ group: inout TaskGroup<Wake>) {
        guard let pause = pauseToStart else { return }
        pauseToStart = nil
        let clock = clock
        group.addTask {
            try? await Task.sleep(for: pause.length, clock: clock)
            return .pauseOver(pause.number)
        }
        guard pause.isHold, waits.insert(.mending).inserted else { return }
        let sink = sink
        group.addTask { .mended(await sink.mended()) }
    }

    private func startWaits(_ group: inout TaskGroup<Wake>) {
        let clock = clock
        if waits.insert(.requests).inserted {
            let signal = signal
            group.addTask {
                await signal.wait()
                return .asked
            }
        }
        // Where there is more to read, that wait is over at once: reading was left off, or an event came since.
        if !isQueueClosed, mayRead || reader.position >= queue.end, waits.insert(.events).inserted {
            let queue = queue
            let position = reader.position
            group.addTask {
                await queue.waitForEvents(after: position)
                return .events(after: position)
            }
        }
        if gathering != nil, waits.insert(.gathering).inserted {
            let wait = limits.wait
            group.addTask {
                try? await Task.sleep(for: wait, clock: clock)
                return .gatheredLongEnough
            }
        }
        if frontier > committed, !isCommitDue, waits.insert(.commit).inserted {
            let interval = limits.commitInterval
            group.addTask {
                try? await Task.sleep(for: interval, clock: clock)
                return .commitDue
            }
        }
    }
}
