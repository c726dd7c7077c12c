public import ConnlogCore
public import ConnlogSystem

/// Sends events as syslog messages over TCP (RFC 6587).
///
/// `send` returns once the local kernel has all bytes, which proves nothing; the proof is that the peer's kernel has
/// acknowledged them, and `outcome` waits for that. When the connection breaks, what was acknowledged counts as
/// delivered and the rest is sent again, so a receiver may see a few messages twice (same `eid`) and loses at most what
/// it had acknowledged and not read. Only RELP can close that gap.
///
/// The side that reads is looked at before each write, so a receiver that went away between two batches costs nothing.
/// Names are resolved on every connect; of several receivers the one that works is kept.
public actor SyslogTCPSink: Sink {
    /// Bytes that are encoded before they are written: enough to make system calls rare, small enough to stay in the
    /// processor's cache.
    private static let chunkBytes = 256 << 10
    /// How long the end of a connection may take, at most.
    private static let farewell = Duration.seconds(5)

    public nonisolated let limits = BatchLimits(bytes: 1 << 20, inFlight: 4)

    private let options: SyslogOptions
    private let log: LogFunction
    private var encoder: RFC5424Encoder
    private var truncation = TruncationReport()

    private var connection: TCPConnection?
    private var connectedAt = ContinuousClock.now
    private var ageLimit: Duration?
    private var mustRenew = false
    private var receiver = 0
    private var window = AcknowledgementWindow()

    // One message, and messages with their frames.
    private var message = ByteBuffer()
    private var chunk = ByteBuffer(capacity: SyslogTCPSink.chunkBytes)

    public init(_ options: SyslogOptions, log: @escaping LogFunction) {
        precondition(!options.receivers.isEmpty)
        self.options = options
        self.log = log
        encoder = RFC5424Encoder(options.messages)
    }

    public func open(_ committed: [UInt8]?) async throws(SinkError) {
        window.forgetAll()
    }

    // MARK: Sending

    public func send(_ batch: EventBatch) async -> SendOutcome {
        if let reason = window.untoldBreak { return .retry(reason) }
        let connection: TCPConnection
        do throws(SocketError) { connection = try liveConnection() } catch {
            return .retry(Reason(error, mayRepeat: false))
        }
        // In flight batches may just have been found broken, and this one must not overtake them.
        if let reason = window.untoldBreak { return .retry(reason) }
        return write(batch, to: connection)
    }

    private func write(_ batch: EventBatch, to connection: TCPConnection) -> SendOutcome {
        var ends: [UInt64] = []
        ends.reserveCapacity(batch.count)
        chunk.removeAll()
        do throws(SocketError) {
            for place in 0..<batch.count {
                message.removeAll()
                guard encoder.append(batch.record(place), to: &message) else {
                    try flush(to: connection)
                    return rejected(at: place, ends, connection)
                }
                appendFrame()
                ends.append(connection.bytesWritten + UInt64(chunk.count))
                if chunk.count >= SyslogTCPSink.chunkBytes { try flush(to: connection) }
            }
            try flush(to: connection)
        } catch {
            let reason = Reason(error, mayRepeat: true)
            let acknowledged = connection.bytesAcknowledged
            breakOff(reason)
            return AcknowledgementWindow.outcome(ends, acknowledged, reason)
        }
        truncation.update(encoder.truncations, options.messages.bytesMax, log)
        return .accepted(window.add(ends))
    }

    private func appendFrame() {
        switch options.framing {
        case .octetCounting:
            chunk.withWriter(reserving: message.count + 21) {
                $0.appendDecimal(UInt64(message.count))
                $0.append(UInt8(ascii: " "))
                $0.append(message.span)
            }
        case .lf:
            chunk.withWriter(reserving: message.count + 1) {
                $0.append(message.span)
                $0.append(UInt8(ascii: "\n"))
            }
        }
    }

    private func flush(to connection: TCPConnection) throws(SocketError) {
        if chunk.isEmpty { return }
        try connection.send(chunk)
        chunk.removeAll()
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
        if let connection { window.advance(to: connection.bytesAcknowledged) }
    }

    private func waitForProgress(_ patience: inout Patience) {
        guard let connection else {
            return breakOff(
                Reason(
                    "connection_closed", "the connection was ended before the receiver had acknowledged",
                    mayRepeat: true))
        }
        guard let wait = patience.next(progress: connection.bytesAcknowledged) else {
            return breakOff(
                Reason(
                    "timeout", "\(connection.peer): acknowledged nothing for \(options.timeout); is it stuck?",
                    mayRepeat: true))
        }
        do throws(SocketError) { try connection.watchPeer(atMost: wait) } catch {
            // Whoever asked is told; what is in flight stays so for those who have not been cancelled.
            if error.kind != .cancelled { breakOff(Reason(error, mayRepeat: true)) }
        }
    }

    // MARK: The connection

    /// A connection whose peer has not been heard to go away.
    private func liveConnection() throws(SocketError) -> TCPConnection {
        if let connection {
            do throws(SocketError) { try connection.checkPeer() } catch {
                log(.info, "\(error)")
                breakOff(Reason(error, mayRepeat: true))
            }
        }
        if let connection, isOld { retire(connection) }
        if let connection { return connection }
        return try connect()
    }

    private var isOld: Bool {
        if mustRenew { return true }
        guard let ageLimit else { return false }
        return connectedAt.duration(to: .now) > ageLimit
    }

    private func retire(_ connection: TCPConnection) {
        settle()
        // Nothing that was not acknowledged may be given up with the connection.
        guard window.isSettled, window.untoldBreak == nil else { return }
        _ = connection.finish(atMost: min(options.timeout, SyslogTCPSink.farewell))
        self.connection = nil
    }

    private func connect() throws(SocketError) -> TCPConnection {
        var settings = TCPConnection.Options()
        settings.connectTimeout = options.connectTimeout
        settings.timeout = options.timeout
        var failure: SocketError?
        for step in 0..<options.receivers.count {
            let place = (receiver + step) % options.receivers.count
            let target = options.receivers[place]
            do throws(SocketError) {
                let connection = try TCPConnection.connect(target.host, port: target.port, settings)
                adopt(connection, place)
                return connection
            } catch {
                if error.kind == .cancelled { throw error }
                failure = failure ?? error
            }
        }
        throw failure ?? SocketError(.notResolved, "syslog", "there is no receiver")
    }

    private func adopt(_ connection: TCPConnection, _ place: Int) {
        self.connection = connection
        receiver = place
        connectedAt = .now
        mustRenew = false
        // Many senders that were started together must not come back together.
        ageLimit = options.maxConnectionAge.map { $0 * Double.random(in: 0.9...1.1) }
        log(.info, "connected to \(connection.peer)")
    }

    private func breakOff(_ reason: Reason) {
        window.breakOff(at: connection?.bytesAcknowledged ?? 0, reason)
        connection = nil
    }

    public func reopen() async { mustRenew = true }

    public func close() async {
        truncation.end(encoder.truncations, options.messages.bytesMax, log)
        _ = connection?.finish(atMost: min(options.timeout, SyslogTCPSink.farewell))
        connection = nil
    }
}

/// How long to wait for the next acknowledgement: short at first, since one usually comes within a fraction of a
/// millisecond, and no more once nothing has moved for the time allowed.
private struct Patience {
    private let limit: Duration
    private var wait = Duration.microseconds(50)
    private var progress: UInt64?
    private var since = ContinuousClock.now

    init(_ limit: Duration) {
        self.limit = limit
    }

    /// `nil` when nothing has moved for too long.
    mutating func next(progress now: UInt64) -> Duration? {
        if progress != now {
            progress = now
            since = .now
        } else if since.duration(to: .now) >= limit {
            return nil
        }
        defer { wait = min(wait * 2, .milliseconds(2)) }
        return wait
    }
}
