#if canImport(Glibc)
import Glibc
#endif

/// How a connection begins and ends.
extension TCPConnection {
    /// How long a peer that has asked for our certificate may take to say what it thinks of it.
    private static let verdictWait = Duration.seconds(1)
    /// After so long without traffic the peer is asked whether it is still there.
    static let keepIdleSeconds = 30

    /// Resolves the name, connects to the first of its addresses that answers, and sets up TLS; when that fails, goes on
    /// with the others.
    /// - Throws: `notResolved`, or what the first address that answered or the last that did not said; `cancelled`.
    package static func connect(
        _ host: String, port: Int, _ options: Options = Options()
    ) throws(SocketError) -> TCPConnection {
        let name = host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        return try connect(
            to: try SocketAddress.resolve(host, port: port, .stream), host: host, name: name, options)
    }

    package static func connect(
        to addresses: [SocketAddress], host: String, name: String, _ options: Options
    ) throws(SocketError) -> TCPConnection {
        var left = addresses
        var failure: SocketError?
        repeat {
            var race = ConnectRace(left, name: name, options)
            do throws(SocketError) {
                let (socket, address) = try race.winner()
                left.removeAll { $0.text == address.text }
                return try TCPConnection(socket, address, host: host, name: name, options)
            } catch {
                // Nobody answered: then nobody of those left does.
                if error.kind == .cancelled || !race.hasWinner { throw failure ?? error }
                failure = failure ?? error
            }
        } while !left.isEmpty
        throw failure ?? SocketError(.notResolved, name, "the name has no address")
    }

    static func prepare(_ socket: SocketDescriptor, _ options: Options) throws(SocketError) {
        let tcp = Int32(IPPROTO_TCP)
        try socket.set(tcp, TCP_NODELAY, 1)
        // A firewall that has forgotten the connection drops silently; these two notice, with and without traffic.
        try socket.set(tcp, TCP_USER_TIMEOUT, options.timeout.milliseconds)
        try socket.set(SOL_SOCKET, SO_KEEPALIVE, 1)
        try socket.set(tcp, TCP_KEEPIDLE, keepIdleSeconds)
        try socket.set(tcp, TCP_KEEPINTVL, 10)
        try socket.set(tcp, TCP_KEEPCNT, 3)
        if let bytes = options.sendBufferBytes { try socket.set(SOL_SOCKET, SO_SNDBUF, bytes) }
    }

    // MARK: TLS

    func shakeHands(_ tls: TLSSession, atMost limit: Duration) throws(SocketError) {
        let deadline = ContinuousClock.now + limit
        while true {
            let events: Int32
            switch try tls.handshake() {
            case .done: return
            case .closed: throw SocketError(.cut, peer, "closed the connection while TLS was set up")
            case .wantsRead: events = POLLIN
            case .wantsWrite: events = POLLOUT
            }
            let left = ContinuousClock.now.duration(to: deadline)
            guard left > .zero, try socket.wait(for: events, atMost: left) != 0 else {
                throw SocketError(
                    .timedOut, peer, "did not finish setting TLS up within \(limit); does this port speak TLS?")
            }
        }
    }

    /// Waits for what the peer says to our certificate, so that nothing is sent to one that is about to break off.
    func awaitVerdict(_ tls: TLSSession) throws(SocketError) {
        let deadline = ContinuousClock.now + TCPConnection.verdictWait
        while tls.awaitsVerdict {
            let left = ContinuousClock.now.duration(to: deadline)
            // Servers that give no tickets leave it at that.
            guard left > .zero else { return }
            try watchPeer(atMost: left)
        }
    }

    // MARK: The end

    /// Says that nothing more comes (close_notify, FIN) and waits for the peer to say the same, at most `limit`; heeds
    /// no cancellation, since it is how a connection is ended in good order.
    /// - Returns: whether the peer's FIN came, so that its process has read to the end or closed on purpose.
    package func finish(atMost limit: Duration) -> Bool {
        let deadline = ContinuousClock.now + limit
        if let tls, !sayGoodbye(tls, until: deadline) { return false }
        guard shutdown(socket.number, Int32(SHUT_WR)) == 0 else { return false }
        while true {
            let left = ContinuousClock.now.duration(to: deadline)
            guard left > .zero else { return false }
            do throws(SocketError) {
                if try socket.wait(for: POLLIN, atMost: left, heedsCancellation: false) != 0 { try checkPeer() }
            } catch {
                // Many receivers close without TLS's goodbye; they had ours, and all before it.
                return error.kind == .closed || error.kind == .cut
            }
            incoming.removeAll()
        }
    }

    private func sayGoodbye(_ tls: TLSSession, until deadline: ContinuousClock.Instant) -> Bool {
        while true {
            do throws(SocketError) {
                guard case .wantsWrite = try tls.sayGoodbye() else { return true }
                let left = ContinuousClock.now.duration(to: deadline)
                guard try socket.wait(for: POLLOUT, atMost: left, heedsCancellation: false) != 0 else { return false }
            } catch { return false }
        }
    }
}
