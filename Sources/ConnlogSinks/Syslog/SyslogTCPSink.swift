public import ConnlogCore
public import ConnlogSystem

/// Sends events as syslog messages over TCP (RFC 6587) or TLS (RFC 5425).
///
/// `send` returns once the local kernel has all bytes, which proves nothing; the proof is that the peer's kernel has
/// acknowledged them, and `outcome` waits for that. When the connection breaks, what was acknowledged counts as
/// delivered and the rest is sent again, so a receiver may see a few messages twice (same `eid`) and loses at most what
/// it had acknowledged and not written (measured: see the README). `SentTail` makes that less, for the price of repeats;
/// only RELP can close the gap.
///
/// The side that reads is looked at before each write, so a receiver that went away between two batches costs nothing.
public actor SyslogTCPSink: Sink {
    /// How long the end of a connection may take, at most.
    private static let farewell = Duration.seconds(5)

    public nonisolated let limits = BatchLimits(bytes: 512 << 10, inFlight: 4)

    private let options: SyslogOptions
    private let log: LogFunction
    private var truncation = TruncationReport()

    private var pool: ReceiverPool
    private var window = AcknowledgementWindow()
    private var tail: SentTail

    private var frames: SyslogFrames
    /// Where each message of the batch at hand ends, in bytes from the beginning of the connection.
    private var ends: [UInt64] = []

    public init(_ options: SyslogOptions, log: @escaping LogFunction) {
        self.options = options
        self.log = log
        pool = ReceiverPool(options, log: log)
        tail = SentTail(bytesMax: options.resendTailBytes)
        frames = SyslogFrames(options)
    }

    public func open(_ committed: [UInt8]?) async throws(SinkError) {
        window.forgetAll()
    }

    // MARK: Sending

    public func send(_ batch: EventBatch) async -> SendOutcome {
        if batch.isEmpty { return .delivered }
        if let failure = window.untoldBreak { return failure }
        let connection: TCPConnection
        do throws(SocketError) { connection = try liveConnection() } catch { return error.outcome(mayRepeat: false) }
        // In flight batches may just have been found broken, and this one must not overtake them.
        if let failure = window.untoldBreak { return failure }
        return write(batch, to: connection)
    }

    private func write(_ batch: EventBatch, to connection: TCPConnection) -> SendOutcome {
        ends.removeAll(keepingCapacity: true)
        frames.removeAll()
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
            let acknowledged = connection.bytesAcknowledged
            breakOff(failure, isOrderly: error.isOrderly)
            return AcknowledgementWindow.outcome(ends, acknowledged, failure)
        }
        truncation.update(frames.truncations, options.messages.bytesMax, log)
        return .accepted(window.add(ends))
    }

    private func flush(to connection: TCPConnection) throws(SocketError) {
        if frames.bytes.isEmpty { return }
        if options.resendTailBytes > 0 {
            let start = connection.bytesWritten
            let these = Array(ends.reversed().prefix { $0 > start }.reversed())
            tail.add(frames.bytes, ends: these, acknowledged: connection.bytesAcknowledged)
        }
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

    public func outcome(of receipt: Receipt) async -> SendOutcome {
        var patience = Patience(options.timeout)
        while true {
            advance()
            if let outcome = window.take(receipt) { return outcome }
            if Task.isCancelled {
                window.forget(receipt)
                return SyslogTCPSink.cancelled
            }
            waitForProgress(&patience)
            // The next batch may be written meanwhile.
            await Task.yield()
        }
    }

    private static let cancelled = SendOutcome.retry(
        Reason("cancelled", "stopped before the receiver had acknowledged", mayRepeat: true))

    /// Waits until everything in flight has an outcome, or the task is cancelled.
    private func settle() {
        var patience = Patience(options.timeout)
        while !window.isSettled, !Task.isCancelled {
            advance()
            if !window.isSettled { waitForProgress(&patience) }
        }
    }

    private func advance() {
        if let connection = pool.connection { window.advance(to: connection.bytesAcknowledged) }
    }

    private func waitForProgress(_ patience: inout Patience) {
        guard let connection = pool.connection else {
            return breakOff(
                "connection_closed", "the connection was ended before the receiver had acknowledged", isOrderly: true)
        }
        guard let wait = patience.next(progress: connection.bytesAcknowledged) else {
            return breakOff(
                "timeout", "\(connection.peer): acknowledged nothing for \(options.timeout); is it stuck?",
                isOrderly: false)
        }
        do throws(SocketError) { try connection.watchPeer(atMost: wait) } catch {
            // Whoever asked is told; what is in flight stays so for those who have not been cancelled.
            if error.kind != .cancelled { breakOff(error.outcome(mayRepeat: true), isOrderly: error.isOrderly) }
        }
    }

    // MARK: The connection

    /// A connection whose peer has not been heard to go away.
    private func liveConnection() throws(SocketError) -> TCPConnection {
        if let connection = pool.connection {
            do throws(SocketError) { try connection.checkPeer() } catch {
                log(.info, "\(error)")
                breakOff(error.outcome(mayRepeat: true), isOrderly: error.isOrderly)
            }
        }
        if pool.connection != nil, pool.isOld { retire() }
        if let connection = pool.connection { return connection }
        let connection = try pool.connect()
        try sendTail(on: connection)
        return connection
    }

    private func retire() {
        settle()
        // Nothing that was not acknowledged may be given up with the connection.
        guard window.isSettled, window.untoldBreak == nil else { return }
        if pool.finish(atMost: min(options.timeout, SyslogTCPSink.farewell)) { tail.forget() }
    }

    private func breakOff(_ failure: SendOutcome, isOrderly: Bool) {
        let acknowledged = pool.connection?.bytesAcknowledged ?? 0
        window.breakOff(at: acknowledged, failure)
        tail.breakOff(at: acknowledged, isOrderly: isOrderly)
        pool.drop(hasProvedItself: acknowledged > 0)
    }

    private func breakOff(_ label: String, _ text: String, isOrderly: Bool) {
        breakOff(.retry(Reason(label, text, mayRepeat: true)), isOrderly: isOrderly)
    }

    /// Sends again what a receiver may have had in its kernel when it died.
    private func sendTail(on connection: TCPConnection) throws(SocketError) {
        guard let again = tail.takeForResending() else { return }
        log(.info, "\(connection.peer): sending the last \(again.count) messages of the broken connection again")
        do throws(SocketError) { try connection.send(again.bytes) } catch {
            tail.putBack(again)
            pool.drop(hasProvedItself: connection.bytesAcknowledged > 0)
            throw error
        }
        tail.addResent(again)
    }

    public func connectTrial() async -> [TrialFinding] { SyslogTrial(options: options).connect() }

    public func sendTrial(_ batch: EventBatch) async -> [TrialFinding] {
        var outcome = await send(batch)
        let connection = pool.connection
        if case .accepted(let receipt) = outcome { outcome = await self.outcome(of: receipt) }
        let trial = SyslogTrial(options: options)
        if outcome == .delivered, let connection, let finding = trial.afterthought(connection) { return [finding] }
        return [trial.finding(outcome, peer: connection?.peer)]
    }

    public func reopen() async { pool.mustRenew = true }

    public func close() async {
        truncation.end(frames.truncations, options.messages.bytesMax, log)
        pool.finish(atMost: min(options.timeout, SyslogTCPSink.farewell))
    }
}
