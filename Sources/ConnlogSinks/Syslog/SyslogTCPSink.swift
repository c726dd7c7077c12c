public import ConnlogCore
public import ConnlogSystem

/// Sends events as syslog messages over TCP (RFC 6587) or TLS (RFC 5425), which have no acknowledgements.
///
/// `send` returns once the local kernel has all bytes, which proves nothing. That the peer's kernel has acknowledged them
/// proves little: when a receiver is killed, or closes in the middle, its kernel throws away what the process had not
/// read. So `outcome` waits until the process must have read a batch, by the window that its kernel offers (`ReadProof`):
/// as long as a receiver keeps up that is a moment, at the end of a burst a second. When the connection breaks, all that
/// is not proven is sent again, and a receiver may see some messages twice (same `eid`).
///
/// Nothing is kept in memory for that: the delivery reads what is to be sent again from the queue, and nothing is
/// committed before, so a connlog that is killed together with the receiver sends the same again. A receiver that leaves
/// more than `unreadBytesMax` unread gets no more until it reads. Where the window will not tell, the connection is ended
/// in good order, and the receiver's end of it is the proof. So too when nothing follows, which spares the waiting.
///
/// The side that reads is looked at before each write, so a receiver that went away between two batches costs nothing.
public actor SyslogTCPSink: Sink {
    /// How long the end of a connection may take, at most.
    private static let farewell = Duration.seconds(5)

    /// So much may be acknowledged and not proven; beyond it a `resend_tail` of its own size.
    private static let unreadBytesMax = 8 << 20
    private static let untoldBytesMax = 4 << 20
    private static let newsPatience = Duration.milliseconds(100)
    /// How often a connection at rest is looked at.
    private static let restPause = Duration.milliseconds(10)

    /// Small batches wait for their proof in great numbers, large ones until `unreadBytesMax`; none in memory.
    public nonisolated let limits = {
        var limits = BatchLimits(bytes: 512 << 10, inFlight: 4, proofs: .inOrder(1024))
        limits.releasesAccepted = true
        return limits
    }()

    /// The longest that one call may take by its own timeouts: see `Sink.patience`.
    public nonisolated var patience: Duration { options.patience }
    private let options: SyslogOptions
    private let log: LogFunction
    private var truncation = TruncationReport()

    /// Whether to ask for proof by the end of the connection as soon as everything is acknowledged.
    private var isLast = false
    /// The receiver did not end a connection when asked to; then only the window can tell.
    private var keepsOpen = false

    private var pool: ReceiverPool
    private var window = AcknowledgementWindow()
    // Batches that came to be sent, and those of them that are done with.
    private var turns: UInt64 = 0
    private var turnsOver: UInt64 = 0

    private var frames: SyslogFrames
    /// Where each message of the batch at hand ends, in bytes from the beginning of the connection.
    private var ends: [UInt64] = []

    package init(_ options: SyslogOptions, log: @escaping LogFunction) {
        self.options = options
        self.log = log
        pool = ReceiverPool(options, log: log)
        frames = SyslogFrames(options)
    }

    /// Gets ready, from where the committed state says: see `Sink.open(_:)`.
    public func open(_ committed: [UInt8]?) async throws(SinkError) {
        window.forgetAll()
    }

    // MARK: Sending

    /// Sends a batch and tells what became of it: see `Sink.send(_:)`.
    public func send(_ batch: EventBatch) async -> SendOutcome {
        if batch.isEmpty { return .delivered }
        isLast = false
        await turn()
        defer { turnsOver += 1 }
        if let failure = window.untoldBreak { return failure }
        let connection: TCPConnection
        do throws(SocketError) { connection = try liveConnection() } catch { return error.outcome(mayRepeat: false) }
        awaitReading(connection)
        // In flight batches may just have been found broken, and this one must not overtake them.
        if let failure = window.untoldBreak { return failure }
        guard connection === pool.connection else { return SyslogTCPSink.ended }
        return write(batch, to: connection)
    }

    /// Batches are written in the order in which they come, and not before what is known of earlier ones has been taken up,
    /// so that commits keep pace; but nobody need ask.
    private func turn() async {
        let mine = turns
        turns += 1
        while turnsOver < mine { await Task.yield() }
        let deadline = ContinuousClock.now + SyslogTCPSink.newsPatience
        while isBehind, ContinuousClock.now < deadline, !Task.isCancelled { await Task.yield() }
    }

    private var isBehind: Bool { window.hasNews && window.bytesUntold > SyslogTCPSink.untoldBytesMax }

    private func write(_ batch: EventBatch, to connection: TCPConnection) -> SendOutcome {
        ends.removeAll(keepingCapacity: true)
        frames.removeAll()
        let start = connection.bytesWritten
        do throws(SocketError) {
            var place = 0
            var stop = SyslogFrames.Stop.full
            while stop == .full {
                stop = frames.add(batch, from: &place, start: connection.bytesWritten, &ends)
                try flush(to: connection)
            }
            if stop == .rejected { return rejected(at: place, ends, connection) }
        } catch {
            let failure = error.outcome(mayRepeat: true)
            let proven = connection.bytesProven
            breakOff(failure)
            return AcknowledgementWindow.outcome(ends, proven, failure)
        }
        truncation.update(frames.truncations, options.messages.bytesMax, log)
        return .accepted(window.add(ends, bytes: Int(connection.bytesWritten - start)))
    }

    private func flush(to connection: TCPConnection) throws(SocketError) {
        if frames.bytes.isEmpty { return }
        try connection.send(frames.bytes)
        frames.removeAll()
    }

    /// One record is no connection event, which the decoder should have seen to: it is poison, once the ones before it
    /// are safe.
    private func rejected(at place: Int, _ ends: [UInt64], _ connection: TCPConnection) -> SendOutcome {
        let receipt = window.add(ends)
        if !ends.isEmpty {
            settle()
            let outcome = window.take(receipt)
            guard outcome == .delivered else {
                window.forget(receipt)
                return outcome ?? SyslogTCPSink.cancelled
            }
        } else {
            window.forget(receipt)
        }
        return .rejected(at: place, .notAnEvent)
    }

    // MARK: Proof

    /// What became of a batch that was accepted: see `Sink.outcome(of:)`.
    public func outcome(of receipt: Receipt) async -> SendOutcome {
        var waiting = ProgressTimeout(options.timeout)
        while true {
            advance()
            if let outcome = window.take(receipt) { return outcome }
            if Task.isCancelled {
                window.forget(receipt)
                return SyslogTCPSink.cancelled
            }
            if let connection = pool.connection, connection.bytesAcknowledged == connection.bytesWritten {
                rest(connection)
                // The next batch may be written meanwhile.
                try? await Task.sleep(for: SyslogTCPSink.restPause)
                waiting = ProgressTimeout(options.timeout)
            } else {
                waitForProgress(&waiting)
                await Task.yield()
            }
        }
    }

    /// No batch comes for now: see `Sink.nothingFollows()`.
    public func nothingFollows() async { isLast = true }

    private static let cancelled = SendOutcome.retry(
        Reason("cancelled", "stopped before the receiver had read it", mayRepeat: true))
    private static let ended = SendOutcome.retry(
        Reason("connection_closed", "the connection was ended to see what the receiver has read"))

    private func advance() {
        guard let connection = pool.connection else { return }
        _ = connection.bytesAcknowledged
        window.advance(to: connection.bytesProven)
    }

    /// Waits while the receiver has left too much unread.
    private func awaitReading(_ connection: TCPConnection) {
        let most = UInt64(SyslogTCPSink.unreadBytesMax + (options.resendTailBytes ?? 0))
        wait { connection.bytesAcknowledged - connection.bytesProven > most }
    }

    /// Waits until everything in flight has an outcome, or the task is cancelled.
    private func settle() { wait { !window.isSettled } }

    private func wait(while isWaiting: () -> Bool) {
        var waiting = ProgressTimeout(options.timeout)
        while pool.connection != nil, isWaiting(), !Task.isCancelled {
            advance()
            if isWaiting() { waitForProgress(&waiting) }
        }
    }

    /// Everything is acknowledged; either it is proven soon, or the connection has to be ended for that.
    private func rest(_ connection: TCPConnection) {
        do throws(SocketError) { try connection.checkPeer() } catch { return ended(by: error) }
        if connection.isInDoubt || isLast && !keepsOpen { endInDoubt(connection) }
    }

    private func waitForProgress(_ waiting: inout ProgressTimeout) {
        guard let connection = pool.connection else {
            return breakOff(
                "connection_closed", "the connection was ended before the receiver had read everything")
        }
        let progress = connection.bytesAcknowledged &+ connection.bytesProven
        if connection.isInDoubt { return endInDoubt(connection) }
        guard let wait = waiting.next(progress: progress) else {
            return breakOff(
                "timeout", "\(connection.peer): has read nothing for \(options.timeout); is it stuck?")
        }
        do throws(SocketError) { try connection.watchPeer(atMost: wait) } catch { ended(by: error) }
    }

    private func ended(by error: SocketError) {
        // Whoever asked is told; what is in flight stays so for those who have not been cancelled.
        if error.kind != .cancelled { breakOff(error.outcome(mayRepeat: true)) }
    }

    // MARK: The connection

    /// A connection whose peer has not been heard to go away.
    private func liveConnection() throws(SocketError) -> TCPConnection {
        if let connection = pool.connection {
            do throws(SocketError) { try connection.checkPeer() } catch {
                log(.info, "\(error)")
                breakOff(error.outcome(mayRepeat: true))
            }
        }
        if pool.connection != nil, pool.isOld { retire() }
        if let connection = pool.connection { return connection }
        return try pool.connect()
    }

    private func endInDoubt(_ connection: TCPConnection) {
        log(.debug, "\(connection.peer): ending the connection, so that the receiver shows that it has read everything")
        retire()
    }

    /// Ends the connection in good order. A receiver that does the same has read everything.
    private func retire() {
        guard let connection = pool.connection else { return }
        wait { connection.bytesAcknowledged < connection.bytesWritten }
        guard pool.connection != nil, !Task.isCancelled else { return }
        if pool.finish(atMost: min(options.timeout, SyslogTCPSink.farewell)) {
            window.advance(to: connection.bytesWritten)
            keepsOpen = false
        } else {
            keepsOpen = true
            let reason = Reason(
                "not_read",
                "\(connection.peer): did not end the connection when it was asked to, so it may not have read "
                    + "everything; is it stuck?", mayRepeat: true)
            // Meanwhile the window may have shown what the receiver had read.
            _ = connection.bytesAcknowledged
            window.breakOff(at: connection.bytesProven, .retry(reason))
        }
    }

    private func breakOff(_ failure: SendOutcome) {
        let proven = pool.connection?.bytesProven ?? 0
        window.breakOff(at: proven, failure)
        pool.drop(hasProvedItself: (pool.connection?.bytesAcknowledged ?? 0) > 0)
    }

    private func breakOff(_ label: String, _ text: String) {
        breakOff(.retry(Reason(label, text, mayRepeat: true)))
    }

    /// Tries the way to the receiver without sending an event: see `Sink.connectTrial()`.
    public func connectTrial() async -> [TrialFinding] { SyslogTrial(options: options).connect() }

    /// Sends a trial event: see `Sink.sendTrial(_:)`.
    public func sendTrial(_ batch: EventBatch) async -> [TrialFinding] {
        var outcome = await send(batch)
        let connection = pool.connection
        let trial = SyslogTrial(options: options)
        if case .accepted(let receipt) = outcome {
            if let connection, let finding = trial.afterthought(connection) { return [finding] }
            isLast = true
            outcome = await self.outcome(of: receipt)
        }
        return [trial.finding(outcome, peer: connection?.peer)]
    }

    /// Opens anew whatever an administrator may have changed: see `Sink.reopen()`.
    public func reopen() async { pool.mustRenew = true }

    /// Lets go of everything that is open: see `Sink.close()`.
    public func close() async {
        truncation.end(frames.truncations, options.messages.bytesMax, log)
        pool.finish(atMost: min(options.timeout, SyslogTCPSink.farewell))
    }
}
