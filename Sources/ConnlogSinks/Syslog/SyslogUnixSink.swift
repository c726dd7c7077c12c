public import ConnlogCore
public import ConnlogSystem

/// Sends events as syslog messages to a log daemon of this machine, through its socket: `/dev/log` or another path.
///
/// Datagrams where the socket takes them, else a stream. Never waits for the daemon but in `send`, which is its
/// delivery's own thread. `delivered` means that the daemon's process has read the messages; when it goes away
/// meanwhile, the batch is sent again, and some may be seen twice (same `eid`).
public actor SyslogUnixSink: Sink {
    private static let chunkBytes = 64 << 10

    /// How large batches are, and how many are under way at once: see `Sink.limits`.
    public nonisolated let limits = BatchLimits(bytes: 256 << 10, inFlight: 1)

    /// The longest that one call may take by its own timeouts: see `Sink.patience`.
    public nonisolated var patience: Duration { options.patience }
    private let options: SyslogOptions
    private let log: LogFunction
    private var encoder: SyslogEncoder
    private var truncation = TruncationReport()
    private var socket: LocalSocket?
    private var chunk = ByteBuffer(capacity: SyslogUnixSink.chunkBytes)
    private var messages: [Range<Int>] = []

    package init(_ options: SyslogOptions, log: @escaping LogFunction) {
        self.options = options
        self.log = log
        encoder = SyslogEncoder(options)
    }

    /// Sends a batch and tells what became of it: see `Sink.send(_:)`.
    public func send(_ batch: EventBatch) async -> SendOutcome {
        if batch.isEmpty { return .delivered }
        do throws(SocketError) {
            let socket = try openSocket()
            let stop = try write(batch, to: socket)
            try waitUntilRead(socket)
            truncation.update(encoder.truncations, options.messages.bytesMax, log)
            return stop ?? .delivered
        } catch {
            socket = nil
            return error.outcome(mayRepeat: true)
        }
    }

    /// - Returns: what is wrong with the first record that cannot be sent, if any; the ones before it were.
    private func write(_ batch: EventBatch, to socket: LocalSocket) throws(SocketError) -> SendOutcome? {
        var next = 0
        while next < batch.count {
            let isEncodable = encode(batch, from: next, isStream: socket.isStream)
            if socket.isStream {
                try socket.send(chunk)
            } else if let refused = try sendDatagrams(next, on: socket) {
                return refused
            }
            next += messages.count
            if !isEncodable { return .rejected(at: next, .notAnEvent) }
        }
        return nil
    }

    private func sendDatagrams(_ first: Int, on socket: LocalSocket) throws(SocketError) -> SendOutcome? {
        do throws(DatagramSender.Stop) { try socket.send(chunk, messages[...]) } catch {
            guard error.error.kind == .tooLarge else { throw error.error }
            return .rejected(at: first + error.sent, Reason(error.error.label, "\(error.error); lower max_size"))
        }
        return nil
    }

    /// Fills `chunk` with messages; says `false` when the record after them is none.
    private func encode(_ batch: EventBatch, from first: Int, isStream: Bool) -> Bool {
        chunk.removeAll()
        messages.removeAll(keepingCapacity: true)
        for place in first..<batch.count {
            let start = chunk.count
            guard encoder.append(batch, place, to: &chunk) else { return false }
            messages.append(start..<chunk.count)
            // Readers of such streams know no lengths; no message has a line feed inside.
            if isStream { chunk.append(UInt8(ascii: "\n")) }
            if chunk.count >= SyslogUnixSink.chunkBytes { break }
        }
        return true
    }

    private func waitUntilRead(_ socket: LocalSocket) throws(SocketError) {
        let deadline = ContinuousClock.now + options.timeout
        var pause = Duration.microseconds(20)
        while !socket.isRead {
            guard ContinuousClock.now < deadline else {
                throw SocketError(
                    .timedOut, socket.path, "the reader took nothing for \(options.timeout); is it stuck?")
            }
            try socket.pause(pause)
            pause = min(pause * 2, .milliseconds(2))
        }
        try socket.check()
    }

    private func openSocket() throws(SocketError) -> LocalSocket {
        if let socket {
            do throws(SocketError) { try socket.check() } catch {
                log(.info, "\(error)")
                self.socket = nil
            }
        }
        if let socket { return socket }
        let opened = try LocalSocket.connect(options.path, timeout: options.timeout)
        socket = opened
        log(.info, "sending to \(opened.path), \(opened.isStream ? "a stream" : "datagrams")")
        return opened
    }

    /// Tries the way to the receiver without sending an event: see `Sink.connectTrial()`.
    public func connectTrial() async -> [TrialFinding] {
        do throws(SocketError) {
            let socket = try LocalSocket.connect(options.path, timeout: options.timeout)
            return [.good("\(socket.path): connected, \(socket.isStream ? "a stream" : "datagrams")")]
        } catch { return [.failed("\(error)")] }
    }

    /// Sends a trial event: see `Sink.sendTrial(_:)`.
    public func sendTrial(_ batch: EventBatch) async -> [TrialFinding] {
        [SyslogTrial(options: options).finding(await send(batch), peer: nil)]
    }

    /// Opens anew whatever an administrator may have changed: see `Sink.reopen()`.
    public func reopen() async { socket = nil }

    /// Lets go of everything that is open: see `Sink.close()`.
    public func close() async {
        truncation.end(encoder.truncations, options.messages.bytesMax, log)
        socket = nil
    }
}
