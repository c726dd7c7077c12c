public import ConnlogCore
public import ConnlogSystem

/// Sends events as syslog messages over UDP (RFC 5426), one message in each datagram.
///
/// Best effort: `delivered` means that the local kernel took the datagrams. The one thing that can come back is an ICMP
/// "port unreachable", which makes the batch be sent again, to the next address of the name if it has one. A datagram that is too large for the path is cut once to
/// what every receiver must take, and is poison if that does not help.
public actor SyslogUDPSink: Sink {
    private static let chunkBytes = 256 << 10
    /// What a receiver must take over IPv4 and over IPv6 (RFC 5426 §3.2).
    private static let bytesSafe = (ipv4: 480, ipv6: 1180)

    /// How large batches are, and how many are under way at once: see `Sink.limits`.
    public nonisolated let limits = BatchLimits(bytes: 1 << 20, inFlight: 1)

    /// The longest that one call may take by its own timeouts: see `Sink.patience`.
    public nonisolated var patience: Duration { options.patience }
    private let options: SyslogOptions
    private let log: LogFunction
    private var encoder: SyslogEncoder
    private var truncation = TruncationReport()
    private var truncationsOfSmaller: UInt64 = 0
    private var socket: UDPSocket?
    private var receiver = 0
    /// Addresses of this receiver that nobody listens at.
    private var refused: Set<String> = []
    private var lastPeer = ""
    private var chunk = ByteBuffer(capacity: SyslogUDPSink.chunkBytes)
    private var datagrams: [Range<Int>] = []

    package init(_ options: SyslogOptions, log: @escaping LogFunction) {
        precondition(!options.receivers.isEmpty)
        self.options = options
        self.log = log
        encoder = SyslogEncoder(options)
    }

    /// Sends a batch and tells what became of it: see `Sink.send(_:)`.
    public func send(_ batch: EventBatch) async -> SendOutcome {
        if batch.isEmpty { return .delivered }
        var failure: SocketError?
        while true {
            do throws(SocketError) {
                let socket = try openSocket()
                if let outcome = try send(batch, to: socket) { return outcome }
                // A refusal of what was just sent has come back already if the receiver is on this machine.
                if let error = socket.pendingError() { throw error }
                return .delivered
            } catch {
                failure = failure ?? error
                guard error.kind != .cancelled, giveUpAddress(error) else { break }
            }
        }
        return failure?.outcome(mayRepeat: true) ?? .delivered
    }

    /// - Returns: whether the next address of the receiver may do better, at once. If not, the next receiver gets the next
    ///   attempt.
    private func giveUpAddress(_ error: SocketError) -> Bool {
        defer { socket = nil }
        if let socket, error.kind == .refused || error.kind == .unreachable {
            return refused.insert(socket.address).inserted
        }
        refused = []
        receiver = (receiver + 1) % options.receivers.count
        return false
    }

    /// - Returns: what stopped it, or nothing.
    private func send(_ batch: EventBatch, to socket: UDPSocket) throws(SocketError) -> SendOutcome? {
        var next = 0
        while next < batch.count {
            let isEncodable = encode(batch, from: next)
            if let outcome = try sendChunk(batch, next, to: socket) { return outcome }
            next += datagrams.count
            if !isEncodable { return .rejected(at: next, .notAnEvent) }
        }
        truncation.update(truncations, options.messages.bytesMax, log)
        return nil
    }

    /// Fills `chunk` with messages; says `false` when the record after them is none.
    private func encode(_ batch: EventBatch, from first: Int) -> Bool {
        chunk.removeAll()
        datagrams.removeAll(keepingCapacity: true)
        for place in first..<batch.count {
            let start = chunk.count
            guard encoder.append(batch, place, to: &chunk) else { return false }
            datagrams.append(start..<chunk.count)
            if chunk.count >= SyslogUDPSink.chunkBytes { break }
        }
        return true
    }

    /// - Parameter first: the number of the first record in `chunk`.
    private func sendChunk(
        _ batch: EventBatch, _ first: Int, to socket: UDPSocket
    ) throws(SocketError) -> SendOutcome? {
        var sent = 0
        while sent < datagrams.count {
            do throws(UDPSocket.Stop) {
                try socket.send(chunk, datagrams[sent...])
                return nil
            } catch {
                sent += error.sent
                guard error.error.kind == .tooLarge else { throw error.error }
                let place = first + sent
                guard try sendSmaller(batch, place, to: socket) else {
                    return .rejected(at: place, Reason(error.error.label, error.error.description))
                }
                sent += 1
            }
        }
        return nil
    }

    /// Sends one message cut to what every receiver must take; says whether that went.
    private func sendSmaller(_ batch: EventBatch, _ place: Int, to socket: UDPSocket) throws(SocketError) -> Bool {
        var options = options
        options.messages.bytesMax = socket.isIPv6 ? SyslogUDPSink.bytesSafe.ipv6 : SyslogUDPSink.bytesSafe.ipv4
        // The number that the message had has been used.
        options.messages.addsSequence = false
        var smaller = SyslogEncoder(options)
        var message = ByteBuffer()
        guard smaller.append(batch, place, to: &message) else { return false }
        do throws(UDPSocket.Stop) { try socket.send(message, [0..<message.count]) } catch {
            if error.error.kind == .tooLarge { return false }
            throw error.error
        }
        truncationsOfSmaller += smaller.truncations
        return true
    }

    private var truncations: UInt64 { encoder.truncations + truncationsOfSmaller }

    private func openSocket() throws(SocketError) -> UDPSocket {
        if let socket { return socket }
        let target = options.receivers[receiver]
        let opened = try UDPSocket.connect(target.host, port: target.port, timeout: options.timeout, except: refused)
        socket = opened
        if opened.peer != lastPeer { log(.info, "sending datagrams to \(opened.peer)") }
        lastPeer = opened.peer
        return opened
    }

    /// Tries the way to the receiver without sending an event: see `Sink.connectTrial()`.
    public func connectTrial() async -> [TrialFinding] { SyslogTrial(options: options).connect() }

    /// Sends a trial event: see `Sink.sendTrial(_:)`.
    public func sendTrial(_ batch: EventBatch) async -> [TrialFinding] {
        let outcome = await send(batch)
        return [SyslogTrial(options: options).finding(outcome, peer: socket?.peer)]
    }

    /// Lets go of everything that is open: see `Sink.close()`.
    public func close() async {
        truncation.end(truncations, options.messages.bytesMax, log)
        socket = nil
    }

    /// Opens anew whatever an administrator may have changed: see `Sink.reopen()`.
    public func reopen() async {
        socket = nil
        refused = []
    }
}
