private import CConnlog
#if canImport(Glibc)
    import Glibc
#endif

/// A TCP connection that is written to, and that knows how far the peer's kernel has acknowledged.
///
/// A `write` that succeeds proves only that the local kernel took the bytes. `bytesAcknowledged` is what the peer's
/// kernel has said it received (bytes written minus SIOCOUTQ); what its process then does with them nobody can see.
/// The side that reads is looked at too, since a sender that never reads never sees a FIN. What the peer says is
/// thrown away.
///
/// After an error the connection is dead: the numbers still answer, nothing else does.
public final class TCPConnection {
    public struct Options: Sendable {
        /// For one address; a name with several may take this long for each.
        public var connectTimeout: Duration
        /// How long sent bytes may stay unacknowledged, and how long `send` waits without a byte of progress.
        public var timeout: Duration
        /// The kernel's send buffer (SO_SNDBUF), in bytes; `nil` lets it tune itself.
        public var sendBufferBytes: Int?

        public init(
            connectTimeout: Duration = .seconds(10), timeout: Duration = .seconds(30), sendBufferBytes: Int? = nil
        ) {
            self.connectTimeout = connectTimeout
            self.timeout = timeout
            self.sendBufferBytes = sendBufferBytes
        }
    }

    /// The peer as configured, with the numeric address in parentheses.
    public let peer: String
    /// Bytes that the local kernel has taken.
    public private(set) var bytesWritten: UInt64 = 0
    private let socket: SocketDescriptor
    private let timeout: Duration

    /// Resolves the name and tries its addresses one after another.
    /// - Throws: `notResolved`, or what the last address said; `cancelled`.
    public static func connect(
        _ host: String, port: Int, _ options: Options = Options()
    ) throws(SocketError) -> TCPConnection {
        let name = "\(host):\(port)"
        var failure = SocketError(.notResolved, name, "the name has no address")
        for address in try SocketAddress.resolve(host, port: port, .stream) {
            do throws(SocketError) {
                return try TCPConnection(address, name: name, options)
            } catch {
                if error.kind == .cancelled { throw error }
                failure = error
            }
        }
        throw failure
    }

    private init(_ address: SocketAddress, name: String, _ options: Options) throws(SocketError) {
        peer = name == address.text ? name : "\(name) (\(address.text))"
        timeout = options.timeout
        socket = try SocketDescriptor(address, .stream, peer: peer)
        try TCPConnection.prepare(socket, options)
        if try socket.connect(address) { return }
        guard try socket.wait(for: POLLOUT, atMost: options.connectTimeout) != 0 else {
            throw SocketError(
                .timedOut, peer,
                "no answer within \(options.connectTimeout); is the receiver alive, and does a firewall drop its packets?"
            )
        }
        if let error = socket.pendingError("connect") { throw error }
    }

    private static func prepare(_ socket: SocketDescriptor, _ options: Options) throws(SocketError) {
        let tcp = Int32(IPPROTO_TCP)
        try socket.set(tcp, TCP_NODELAY, 1)
        // A firewall that has forgotten the connection drops silently; these two notice, with and without traffic.
        try socket.set(tcp, TCP_USER_TIMEOUT, options.timeout.milliseconds)
        try socket.set(SOL_SOCKET, SO_KEEPALIVE, 1)
        try socket.set(tcp, TCP_KEEPIDLE, 30)
        try socket.set(tcp, TCP_KEEPINTVL, 10)
        try socket.set(tcp, TCP_KEEPCNT, 3)
        if let bytes = options.sendBufferBytes { try socket.set(SOL_SOCKET, SO_SNDBUF, bytes) }
    }

    // MARK: Writing

    /// Writes all bytes; waits while the peer's window and the kernel's buffer are full.
    /// - Throws: `timedOut` when no byte went out for `timeout`; `closed` and `reset`; `cancelled`. Some of the bytes
    ///   may have been written: `bytesWritten` tells.
    public func send(_ bytes: ByteBuffer) throws(SocketError) {
        try checkPeer()
        var start = 0
        while start < bytes.count {
            let count = try write(bytes, start..<bytes.count)
            start += count
            bytesWritten += UInt64(count)
            if start < bytes.count { try waitForRoom() }
        }
    }

    /// - Returns: how many bytes went out; 0 when there is no room.
    private func write(_ bytes: ByteBuffer, _ range: Range<Int>) throws(SocketError) -> Int {
        let descriptor = socket.number
        let (count, code) = unsafe bytes.withUnsafeBytes(range) { memory in
            let count = unsafe Glibc.send(
                descriptor, memory.baseAddress, memory.count, Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT))
            return (count, count < 0 ? errorNumber : 0)
        }
        if count >= 0 { return count }
        guard code == EAGAIN || code == EINTR else { throw SocketError(code: code, peer, "send") }
        return 0
    }

    private func waitForRoom() throws(SocketError) {
        let ready = try socket.wait(for: POLLOUT | POLLIN, atMost: timeout)
        guard ready != 0 else {
            throw SocketError(.timedOut, peer, "the receiver took nothing for \(timeout); is it stuck?")
        }
        if ready & ~POLLOUT != 0 { try checkPeer() }
    }

    // MARK: What the peer says

    /// Notices a FIN or RST that has arrived, and throws away what the peer has sent. Does not wait.
    public func checkPeer() throws(SocketError) {
        var scratch = InlineArray<1024, UInt8>(repeating: 0)
        let size = MemoryLayout.size(ofValue: scratch)
        while true {
            let count = unsafe withUnsafeMutableBytes(of: &scratch) { memory in
                unsafe recv(socket.number, memory.baseAddress, size, Int32(MSG_DONTWAIT))
            }
            if count == size { continue }
            if count > 0 { return }
            if count == 0 { throw SocketError(.closed, peer, "the receiver closed the connection") }
            let code = errorNumber
            if code == EINTR { continue }
            if code == EAGAIN { return }
            throw SocketError(code: code, peer, "recv")
        }
    }

    /// How many of the bytes written the peer's kernel has acknowledged; never too many, also after an error.
    public var bytesAcknowledged: UInt64 {
        let waiting = connlog_unacknowledged_bytes(socket.number)
        return waiting < 0 ? 0 : bytesWritten - min(bytesWritten, UInt64(waiting))
    }

    /// Waits until the peer says something (data, FIN or RST), at most `limit`, and then checks it.
    public func watchPeer(atMost limit: Duration) throws(SocketError) {
        if try socket.wait(for: POLLIN, atMost: limit) != 0 { try checkPeer() }
    }

    /// Says that nothing more comes (FIN) and waits for the peer to say the same, at most `limit`; heeds no
    /// cancellation, since it is how a connection is ended in good order.
    /// - Returns: whether the peer's FIN came, so that its process has read to the end or closed on purpose.
    public func finish(atMost limit: Duration) -> Bool {
        guard shutdown(socket.number, Int32(SHUT_WR)) == 0 else { return false }
        let deadline = ContinuousClock.now + limit
        while true {
            let left = ContinuousClock.now.duration(to: deadline)
            guard left > .zero else { return false }
            do throws(SocketError) {
                if try socket.wait(for: POLLIN, atMost: left, heedsCancellation: false) != 0 { try checkPeer() }
            } catch {
                return error.kind == .closed
            }
        }
    }
}
