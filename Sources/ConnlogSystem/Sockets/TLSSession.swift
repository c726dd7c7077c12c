private import CConnlog
#if canImport(Glibc)
import Glibc
#endif

/// The client's side of TLS 1.2 or 1.3 over a connected, non-blocking socket.
///
/// Never resumes a session and never sends early data, which syslog must not do (RFC 9662 §5).
@safe final class TLSSession {
    enum Step: Equatable {
        /// So many bytes were read or written.
        case done(Int)
        case wantsRead, wantsWrite
        /// The peer has said that nothing more comes.
        case closed
    }

    private let session: OpaquePointer
    private let peer: String
    private let host: String
    private let settings: TLSSettings

    /// Reads the files; nothing goes over the network yet.
    /// - Parameter host: whom the peer's certificate must be for: a name or a numeric address.
    init(_ socket: Int32, host: String, peer: String, _ settings: TLSSettings) throws(SocketError) {
        guard let session = unsafe connlog_tls_new(socket) else {
            throw SocketError(.failed, peer, "OpenSSL cannot make a TLS session")
        }
        unsafe self.session = unsafe session
        self.peer = peer
        self.host = host
        self.settings = settings
        try prepare()
    }

    deinit { unsafe connlog_tls_free(session) }

    private func prepare() throws(SocketError) {
        let checksChain = settings.verifies && settings.fingerprints.isEmpty
        if checksChain {
            let file = settings.authorityFile
            guard unsafe connlog_tls_trust(session, file) == 0 else { throw fileError("tls_ca", file ?? "the system") }
        }
        if let certificate = settings.certificateFile {
            let key = settings.keyFile ?? certificate
            guard unsafe connlog_tls_identify(session, certificate, key) == 0 else {
                let files = key == certificate ? certificate : "\(certificate) and \(key)"
                throw fileError("tls_cert, tls_key", files)
            }
        }
        // The zone of a link-local address is this machine's affair, and the dot at the end of a name is DNS's.
        var name = host.prefix { $0 != "%" }
        if !isNumeric, name.count > 1, name.hasSuffix(".") { name.removeLast() }
        guard unsafe connlog_tls_expect(session, String(name), isNumeric ? 1 : 0, checksChain ? 1 : 0) == 0 else {
            throw SocketError(.tlsFailed, peer, "'\(host)' cannot be the name of a certificate")
        }
    }

    private var isNumeric: Bool {
        var scratch = in6_addr()
        if host.contains(":") { return true }
        return unsafe inet_pton(AF_INET, host, &scratch) == 1
    }

    // MARK: Steps

    func handshake() throws(SocketError) -> Step {
        let result = unsafe connlog_tls_handshake(session)
        let step = try step(result, 0, isHandshake: true)
        if case .done = step { try checkFingerprint() }
        return step
    }

    func write(_ bytes: ByteBuffer, _ range: Range<Int>) throws(SocketError) -> Step {
        var written = 0
        let result = unsafe bytes.withUnsafeBytes(range) { memory in
            guard let base = memory.baseAddress else { return Int32(connlog_tls_done) }
            return unsafe connlog_tls_write(session, base, memory.count, &written)
        }
        return try step(result, written)
    }

    /// Reads at most `limit` bytes to the end of `bytes`.
    func read(into bytes: inout ByteBuffer, atMost limit: Int) throws(SocketError) -> Step {
        var result: Int32 = 0
        let count = unsafe bytes.fill(atMost: limit) { memory in
            var count = 0
            guard let base = memory.baseAddress else { return 0 }
            unsafe result = connlog_tls_read(session, base, memory.count, &count)
            return count
        }
        return try step(result, count)
    }

    /// Says that nothing more comes.
    func sayGoodbye() throws(SocketError) -> Step {
        try step(unsafe connlog_tls_shutdown(session), 0)
    }

    private func step(_ result: Int32, _ count: Int, isHandshake: Bool = false) throws(SocketError) -> Step {
        switch result {
        case Int32(connlog_tls_done): return .done(count)
        case Int32(connlog_tls_wants_read): return .wantsRead
        case Int32(connlog_tls_wants_write): return .wantsWrite
        case Int32(connlog_tls_closed): return .closed
        default: throw failure.error(peer: peer, host: host, settings, isHandshake: isHandshake)
        }
    }

    // MARK: What is known of it

    /// Bytes that the socket has taken.
    var bytesWritten: UInt64 { unsafe connlog_tls_bytes_written(session) }

    /// The peer has asked for our certificate and has not said yet what it thinks of it. With TLS 1.3 the handshake is
    /// over for us before that; what we send meanwhile may be thrown away unread.
    var awaitsVerdict: Bool {
        unsafe connlog_tls_was_asked(session) != 0 && connlog_tls_was_accepted(session) == 0
    }

    /// `TLSv1.3, TLS_AES_256_GCM_SHA384`
    var summary: String {
        unsafe "\(String(cString: connlog_tls_version(session))), \(String(cString: connlog_tls_cipher(session)))"
    }

    /// The peer's certificate.
    func fingerprint(_ algorithm: CertificateFingerprint.Algorithm) -> CertificateFingerprint? {
        var digest = [UInt8](repeating: 0, count: 32)
        let count = unsafe connlog_tls_fingerprint(session, algorithm == .sha256 ? 1 : 0, &digest)
        return count > 0 ? CertificateFingerprint(algorithm, Array(digest.prefix(Int(count)))) : nil
    }

    private func checkFingerprint() throws(SocketError) {
        guard settings.verifies, let first = settings.fingerprints.first else { return }
        let known = CertificateFingerprint.Algorithm.allCases.compactMap(fingerprint)
        if settings.fingerprints.contains(where: known.contains) { return }
        let shown = known.first { $0.algorithm == first.algorithm }.map(\.description) ?? "none"
        throw SocketError(
            .untrusted, peer,
            "its certificate has the fingerprint \(shown), which is not in tls_fingerprint; if the receiver has a new "
                + "certificate and this is it, put that there")
    }

    private var failure: TLSFailure {
        unsafe TLSFailure(connlog_tls_failed_how(session).pointee)
    }

    private func fileError(_ key: String, _ files: String) -> SocketError {
        SocketError(
            .certificateFile, peer,
            "\(key): \(files) cannot be used: \(failure.text); is it there, readable, PEM, a key without pass phrase, "
                + "and do certificate and key belong together?")
    }
}
