private import CConnlog
#if canImport(Glibc)
import Glibc
#endif

/// A TCP connection, with TLS over it if asked for, that knows how far the peer's kernel has acknowledged.
///
/// A `write` that succeeds proves only that the local kernel took the bytes. `bytesAcknowledged` is what the peer's
/// kernel has said it received (bytes written minus SIOCOUTQ); `bytesProven` is what its process must have read, by the
/// window that its kernel offers (`ReadProof`). What it then does with them nobody can see.
/// The side that reads is looked at too, since a sender that never reads never sees a FIN. What the peer says is kept
/// in `incoming` for who wants it, and thrown away otherwise.
///
/// After an error the connection is dead: the numbers still answer, nothing else does.
package final class TCPConnection {
    package struct Options: Sendable {
        /// For one address, and then for TLS; a name with several may take this long for each.
        package var connectTimeout: Duration
        /// How long sent bytes may stay unacknowledged, and how long `send` waits without a byte of progress.
        package var timeout: Duration
        /// The kernel's send buffer (SO_SNDBUF), in bytes; `nil` lets it tune itself.
        package var sendBufferBytes: Int?
        /// `nil` for plain TCP.
        package var tls: TLSSettings?
        /// Whether `incoming` keeps what the peer says.
        package var keepsIncoming = false
        /// Bytes that the peer's process may have read and not dealt with, for `bytesProven`; `nil` when nobody asks for
        /// that, and it is the same as `bytesAcknowledged`.
        package var heldBytes: Int?

        package init(
            connectTimeout: Duration = .seconds(10), timeout: Duration = .seconds(30), sendBufferBytes: Int? = nil
        ) {
            self.connectTimeout = connectTimeout
            self.timeout = timeout
            self.sendBufferBytes = sendBufferBytes
        }
    }

    /// Reading stops here until somebody takes some out.
    static let incomingMax = 1 << 20
    private static let readBytes = 16 << 10
    /// So often at most for one look: a peer that talks without end keeps nobody from anything.
    private static let readsMax = 16
    /// So much is written between two looks at the peer's window.
    static let lookBytes = 128 << 10

    /// The peer as configured, with the numeric address in parentheses.
    package let peer: String
    /// Plain bytes that the local kernel has taken.
    package private(set) var bytesWritten: UInt64 = 0
    /// What the peer has said, as far as it has not been taken out.
    package var incoming = ByteBuffer()
    /// The first bytes that the peer ever said.
    package private(set) var firstWords: [UInt8] = []
    let socket: SocketDescriptor
    let timeout: Duration
    private let keepsIncoming: Bool
    private(set) var tls: TLSSession?
    private var marks = CipherMarks()
    private var proof: ReadProof?
    private var lookedAt: UInt64 = 0
    // In plain bytes, as of the last look.
    private var acknowledged: UInt64 = 0
    private var proven: UInt64 = 0
    /// The kernel has been asked to find out soon how open the window is.
    private var asksForWindow = false

    /// Takes a connected socket over and sets up TLS.
    init(
        _ socket: SocketDescriptor, _ address: SocketAddress, host: String, name: String, _ options: Options
    ) throws(SocketError) {
        peer = address.label(name)
        timeout = options.timeout
        keepsIncoming = options.keepsIncoming
        self.socket = socket
        if let settings = options.tls {
            let tls = try TLSSession(socket.number, host: host, peer: peer, settings)
            try shakeHands(tls, atMost: options.connectTimeout)
            self.tls = tls
            try awaitVerdict(tls)
        }
        if let held = options.heldBytes { proof = beginProof(UInt64(held)) }
    }

    /// `TLSv1.3, TLS_AES_256_GCM_SHA384`; nothing for plain TCP.
    package var security: String? { tls?.summary }

    /// The peer's certificate.
    package func fingerprint(_ algorithm: CertificateFingerprint.Algorithm) -> CertificateFingerprint? {
        tls?.fingerprint(algorithm)
    }

    // MARK: Writing

    /// Writes all bytes; waits while the peer's window and the kernel's buffer are full.
    /// - Throws: `timedOut` when no byte went out for `timeout`; `closed`, `cut` and `reset`; `cancelled`. Some of the
    ///   bytes may have been written: `bytesWritten` tells.
    package func send(_ bytes: ByteBuffer) throws(SocketError) {
        try checkPeer()
        var start = 0
        var deadline = ContinuousClock.now + timeout
        let piece = TCPConnection.piece(of: bytes.count)
        while start < bytes.count {
            let count = try write(bytes, start..<min(start + piece, bytes.count))
            start += count
            bytesWritten += UInt64(count)
            if let tls, count > 0 { marks.add(plain: bytesWritten, cipher: tls.bytesWritten) }
            if proof != nil, bytesWritten - lookedAt >= UInt64(TCPConnection.lookBytes) { look() }
            if count == 0 {
                try waitForRoom(until: deadline)
            } else {
                deadline = .now + timeout
            }
        }
    }

    /// Equal parts of about `lookBytes`: a rest of some hundred bytes would be a call and a packet of its own.
    static func piece(of bytes: Int) -> Int {
        let parts = max(1, (bytes + lookBytes / 2) / lookBytes)
        return (bytes + parts - 1) / parts
    }

    /// - Returns: how many bytes went out; 0 when there is no room.
    private func write(_ bytes: ByteBuffer, _ range: Range<Int>) throws(SocketError) -> Int {
        if let tls { return try write(bytes, range, tls) }
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

    private func write(_ bytes: ByteBuffer, _ range: Range<Int>, _ tls: TLSSession) throws(SocketError) -> Int {
        do throws(SocketError) {
            guard case .done(let count) = try tls.write(bytes, range) else { return 0 }
            return count
        } catch {
            // A peer that breaks off says why in an alert, which may lie there unread.
            do throws(SocketError) { try checkPeer() } catch let alert {
                if alert.kind == .tlsRefused { throw alert }
            }
            throw error
        }
    }

    private func waitForRoom(until deadline: ContinuousClock.Instant) throws(SocketError) {
        let left = ContinuousClock.now.duration(to: deadline)
        // What a peer says that reads nothing gives it no more time.
        let ready = left > .zero ? try socket.wait(for: POLLOUT | POLLIN, atMost: left) : 0
        guard ready != 0 else {
            throw SocketError(.timedOut, peer, "the receiver took nothing for \(timeout); is it stuck?")
        }
        if ready & ~POLLOUT != 0 { try checkPeer() }
    }

    // MARK: What the peer says

    /// Reads what has come, and notices a FIN, RST or alert. Does not wait.
    package func checkPeer() throws(SocketError) {
        for _ in 0..<TCPConnection.readsMax where incoming.count < TCPConnection.incomingMax {
            guard let count = try receive() else { return }
            if count == 0 { throw SocketError(.closed, peer, "the receiver closed the connection") }
            if firstWords.isEmpty { firstWords = Array(incoming.array.suffix(count).prefix(80)) }
            if keepsIncoming { acknowledgeAtOnce() } else { incoming.removeAll() }
            if tls == nil, count < TCPConnection.readBytes { return }
        }
    }

    /// A receiver that keeps small answers back until the last one is acknowledged (Nagle) would otherwise wait for the
    /// 40 ms that our kernel may delay that, while we wait for its answers: measured, 29,000 messages a second instead of
    /// 300,000 over TLS. The kernel forgets the wish by and by. That it may refuse does no harm.
    private func acknowledgeAtOnce() { try? socket.set(Int32(IPPROTO_TCP), TCP_QUICKACK, 1) }

    /// - Returns: how many bytes came; 0 when no more will; `nil` for none now.
    private func receive() throws(SocketError) -> Int? {
        if let tls {
            switch try tls.read(into: &incoming, atMost: TCPConnection.readBytes) {
            case .done(let count): return count
            case .closed: return 0
            case .wantsRead, .wantsWrite: return nil
            }
        }
        let descriptor = socket.number
        var code: Int32 = 0
        var hasEnded = false
        let count = unsafe incoming.fill(atMost: TCPConnection.readBytes) { memory in
            var count: Int
            repeat {
                count = unsafe recv(descriptor, memory.baseAddress, memory.count, Int32(MSG_DONTWAIT))
                code = count < 0 ? errorNumber : 0
            } while code == EINTR
            hasEnded = count == 0
            return max(count, 0)
        }
        if hasEnded { return 0 }
        if code == 0 { return count }
        if code == EAGAIN { return nil }
        throw SocketError(code: code, peer, "recv")
    }

    // MARK: How far the peer is

    /// How many of the plain bytes written the peer's kernel has acknowledged; never too many, also after an error.
    package var bytesAcknowledged: UInt64 {
        look()
        return acknowledged
    }

    /// How many of those the peer's process must have read and dealt with, as of the last look, which `send` and
    /// `bytesAcknowledged` are: see `ReadProof`.
    package var bytesProven: UInt64 { proof == nil ? bytesAcknowledged : proven }

    /// Everything is acknowledged and not everything is proven, and it will not be but by the end of the connection.
    package var isInDoubt: Bool { proof?.isInDoubt ?? false }

    /// On the wire, since the connection began.
    private var wireBytes: UInt64 { tls?.bytesWritten ?? bytesWritten }

    private func beginProof(_ held: UInt64) -> ReadProof {
        let window = connlog_peer_window(socket.number)
        return ReadProof(
            held: held + (window < 0 ? TCPConnection.unknownBytes : 0), limit: timeout, acknowledged: wireBytes,
            window: UInt64(max(window, 0)), now: .now)
    }

    /// What a peer may not have read, where the kernel does not tell its window.
    private static let unknownBytes: UInt64 = 4 << 20

    private func look() {
        let waiting = connlog_unacknowledged_bytes(socket.number)
        guard waiting >= 0 else { return }
        lookedAt = bytesWritten
        let count = wireBytes - min(wireBytes, UInt64(waiting))
        let proven = prove(count)
        if tls == nil {
            (acknowledged, self.proven) = (count, proven)
        } else {
            marks.advance(acknowledged: count, proven: proven)
            (acknowledged, self.proven) = (marks.acknowledged, marks.proven)
        }
    }

    private func prove(_ count: UInt64) -> UInt64 {
        guard proof != nil else { return count }
        let window = UInt64(max(connlog_peer_window(socket.number), 0))
        proof?.look(written: wireBytes, acknowledged: count, window: window, now: .now)
        let proven = proof?.proven ?? count
        askForWindow(proven < count && (asksForWindow || count == wireBytes))
        return proven
    }

    /// A peer that has read everything need not tell, but it answers when asked whether it is alive, with the window as
    /// it is then; a second without traffic is the soonest that can be asked for.
    private func askForWindow(_ asks: Bool) {
        guard asks != asksForWindow else { return }
        asksForWindow = asks
        try? socket.set(Int32(IPPROTO_TCP), TCP_KEEPIDLE, asks ? 1 : TCPConnection.keepIdleSeconds)
    }

    /// Waits until the peer says something (data, FIN or RST), at most `limit`, and then checks it.
    package func watchPeer(atMost limit: Duration) throws(SocketError) {
        if try socket.wait(for: POLLIN, atMost: limit) != 0 { try checkPeer() }
    }
}
