public import ConnlogCore
public import ConnlogSystem

/// Sends events as syslog messages over RELP, plain or over TLS.
///
/// A message is delivered when the receiver has answered it with `200`, and not before: nothing is lost with a receiver
/// that dies, only repeated (same `eid`). What a receiver then does with a message it has taken is its affair: one with
/// a queue in memory can still lose it. A message that it refuses with another code goes to the dead letters, alone.
///
/// At most `options.window` messages, and 4 MiB of them, are without an answer. The side that reads is always emptied
/// before and while something is written, so the two cannot block each other. After a break everything unanswered is
/// sent again over a new session with new numbers.
public actor SyslogRELPSink: Sink {
    private static let chunkBytes = 128 << 10
    private static let openBytesMax = 4 << 20
    /// How long the end of a session may take, at most.
    private static let farewell = Duration.seconds(5)

    /// How large batches are, and how many are under way at once: see `Sink.limits`.
    public nonisolated let limits = BatchLimits(bytes: 1 << 20, inFlight: 4)

    /// The longest that one call may take by its own timeouts: see `Sink.patience`.
    public nonisolated var patience: Duration { options.patience }
    private let options: SyslogOptions
    private let log: LogFunction
    private var encoder: SyslogEncoder
    private var truncation = TruncationReport()
    private var pool: ReceiverPool
    private var window = RELPWindow()
    /// The receiver has said that it is about to go away.
    private var isClosing = false

    // One message, and messages in their frames.
    private var message = ByteBuffer()
    private var chunk = ByteBuffer(capacity: SyslogRELPSink.chunkBytes)

    package init(_ options: SyslogOptions, log: @escaping LogFunction) {
        self.options = options
        self.log = log
        encoder = SyslogEncoder(options)
        pool = ReceiverPool(options, log: log)
    }

    /// Gets ready, from where the committed state says: see `Sink.open(_:)`.
    public func open(_ committed: [UInt8]?) async throws(SinkError) {
        window.forgetAll()
    }

    // MARK: Sending

    /// Sends a batch and tells what became of it: see `Sink.send(_:)`.
    public func send(_ batch: EventBatch) async -> SendOutcome {
        if batch.isEmpty { return .delivered }
        if let failure = window.untoldBreak { return failure }
        let connection: TCPConnection
        do throws(SocketError) { connection = try liveConnection() } catch { return error.outcome(mayRepeat: false) }
        // In flight batches may just have been found broken, and this one must not overtake them.
        if let failure = window.untoldBreak { return failure }
        let receipt = window.begin(batch)
        do throws(SocketError) { try write(batch, to: connection) } catch {
            breakOff(error)
            return window.take(receipt) ?? error.outcome(mayRepeat: true)
        }
        window.endWriting()
        truncation.update(encoder.truncations, options.messages.bytesMax, log)
        return .accepted(receipt)
    }

    private func write(_ batch: EventBatch, to connection: TCPConnection) throws(SocketError) {
        chunk.removeAll()
        for place in 0..<batch.count where window.mustSend(place) {
            message.removeAll()
            guard encoder.append(batch, place, to: &message) else {
                window.refuse(place, .notAnEvent)
                continue
            }
            if !hasRoom(for: message.count, of: options.window) {
                try flush(to: connection)
                try waitForRoom(for: message.count, connection)
            }
            RELPFrame.append(window.nextSequence, "syslog", message, to: &chunk)
            window.add(place, bytes: message.count)
            if chunk.count >= SyslogRELPSink.chunkBytes { try flush(to: connection) }
        }
        try flush(to: connection)
    }

    private func flush(to connection: TCPConnection) throws(SocketError) {
        if chunk.isEmpty { return }
        try reading(connection) { connection throws(SocketError) in try connection.send(chunk) }
        chunk.removeAll()
    }

    private func hasRoom(for bytes: Int, of messages: Int) -> Bool {
        if window.messagesOpen == 0 { return true }
        return window.messagesOpen < messages && window.bytesOpen + bytes <= SyslogRELPSink.openBytesMax
    }

    /// Waits until a quarter of the window is free, so that what follows is written in large pieces.
    private func waitForRoom(for bytes: Int, _ connection: TCPConnection) throws(SocketError) {
        var waiting = ProgressTimeout(options.timeout)
        let wanted = max(1, options.window - options.window / 4)
        while !hasRoom(for: bytes, of: wanted) { try waitForReplies(connection, &waiting) }
    }

    // MARK: Replies

    /// Does something with the connection, and then takes in what the receiver has said, also if it failed: what was
    /// said before a connection broke counts.
    private func reading(
        _ connection: TCPConnection, _ body: (TCPConnection) throws(SocketError) -> Void
    ) throws(SocketError) {
        do throws(SocketError) { try body(connection) } catch {
            try readReplies(connection)
            throw error
        }
        try readReplies(connection)
    }

    private func readReplies(_ connection: TCPConnection) throws(SocketError) {
        var at = 0
        while let reply = try next(connection, &at) {
            switch reply.command {
            case .response: try take(reply, connection)
            case .serverClose: isClosing = true
            case .other: break
            }
        }
        connection.incoming.removeFirst(at)
    }

    private func next(_ connection: TCPConnection, _ at: inout Int) throws(SocketError) -> RELPReply? {
        do throws(RELPReader.Fault) { return try RELPReader.next(connection.incoming, &at) } catch {
            throw SocketError(
                .protocolBroken, connection.peer,
                "what came back is not RELP but '\(error.said)'; is this the port of a RELP receiver?")
        }
    }

    private func take(_ reply: RELPReply, _ connection: TCPConnection) throws(SocketError) {
        let reason =
            reply.isOK
            ? nil
            : Reason("relp_\(reply.code)", "\(connection.peer): refused the message: \(reply.code) \(reply.text)")
        guard reply.code > 0, window.answer(reply.number, reason) else {
            throw SocketError(.protocolBroken, connection.peer, "answered number \(reply.number), which was not asked")
        }
    }

    private func waitForReplies(_ connection: TCPConnection, _ waiting: inout ProgressTimeout) throws(SocketError) {
        guard let wait = waiting.next(progress: window.answers) else {
            throw SocketError(
                .timedOut, connection.peer, "answered nothing for \(options.timeout); is it stuck, or its disk full?")
        }
        try reading(connection) { connection throws(SocketError) in try connection.watchPeer(atMost: wait) }
    }

    /// What became of a batch that was accepted: see `Sink.outcome(of:)`.
    public func outcome(of receipt: Receipt) async -> SendOutcome {
        var waiting = ProgressTimeout(options.timeout)
        while true {
            if let outcome = window.take(receipt) { return outcome }
            if Task.isCancelled {
                window.forget(receipt)
                return .retry(Reason("cancelled", "stopped before the receiver had answered", mayRepeat: true))
            }
            wait(&waiting)
            // The next batch may be written meanwhile.
            await Task.yield()
        }
    }

    private func wait(_ waiting: inout ProgressTimeout) {
        guard let connection = pool.connection else {
            return breakOff(SocketError(.closed, "relp", "the session was ended before the receiver had answered"))
        }
        do throws(SocketError) { try waitForReplies(connection, &waiting) } catch {
            // Whoever asked is told; what is in flight stays so for those who have not been cancelled.
            if error.kind != .cancelled { breakOff(error) }
        }
    }

    // MARK: The session

    /// A session whose receiver has not been heard to go away.
    private func liveConnection() throws(SocketError) -> TCPConnection {
        if let connection = pool.connection {
            do throws(SocketError) {
                try reading(connection) { connection throws(SocketError) in try connection.checkPeer() }
            } catch {
                log(.info, "\(error)")
                breakOff(error)
            }
        }
        if pool.connection != nil, pool.isOld || isClosing { retire() }
        if let connection = pool.connection { return connection }
        return try connect()
    }

    private func connect() throws(SocketError) -> TCPConnection {
        let connection = try pool.connect()
        window.restart()
        isClosing = false
        do throws(SocketError) { try RELPSession(connection).open(within: options.connectTimeout) } catch {
            pool.drop(hasProvedItself: false)
            throw error
        }
        return connection
    }

    private func retire() {
        var waiting = ProgressTimeout(options.timeout)
        while !window.isSettled, !Task.isCancelled, pool.connection != nil { wait(&waiting) }
        // Nothing that was not answered may be given up with the session.
        guard window.isSettled, window.untoldBreak == nil else { return }
        endSession()
    }

    private func endSession() {
        let limit = min(options.timeout, SyslogRELPSink.farewell)
        if let connection = pool.connection, window.isSettled, !isClosing {
            RELPSession(connection).close(window.nextSequence, within: limit)
        }
        pool.finish(atMost: limit)
    }

    private func breakOff(_ error: SocketError) {
        let hasProvedItself = window.answers > 0
        window.breakOff(error.outcome(mayRepeat: true))
        pool.drop(hasProvedItself: hasProvedItself)
    }

    /// Tries the way to the receiver without sending an event: see `Sink.connectTrial()`.
    public func connectTrial() async -> [TrialFinding] { SyslogTrial(options: options).connect() }

    /// Sends a trial event: see `Sink.sendTrial(_:)`.
    public func sendTrial(_ batch: EventBatch) async -> [TrialFinding] {
        var outcome = await send(batch)
        let peer = pool.connection?.peer
        if case .accepted(let receipt) = outcome { outcome = await self.outcome(of: receipt) }
        return [SyslogTrial(options: options).finding(outcome, peer: peer)]
    }

    /// Opens anew whatever an administrator may have changed: see `Sink.reopen()`.
    public func reopen() async { pool.mustRenew = true }

    /// Lets go of everything that is open: see `Sink.close()`.
    public func close() async {
        truncation.end(encoder.truncations, options.messages.bytesMax, log)
        endSession()
    }
}
