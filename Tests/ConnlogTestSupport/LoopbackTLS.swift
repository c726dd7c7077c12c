import COpenSSL

#if canImport(Glibc)
import Glibc
#endif

/// The server's side of TLS over a loopback connection; used by the connection's thread.
@safe package final class LoopbackTLS {
    package struct Settings: Sendable {
        /// PEM files.
        package var certificate: String
        package var key: String
        /// Clients must show a certificate by this authority.
        package var clientAuthority: String?
        /// At most TLS 1.2.
        package var isOld = false

        package init(_ name: String, of certificates: TestCertificates) {
            certificate = certificates.path("\(name).pem")
            key = certificates.path("\(name).key")
        }
    }

    private let context: OpaquePointer
    private let ssl: OpaquePointer

    /// Shakes hands; `nil` when that fails.
    package init?(_ connection: LoopbackConnection, _ settings: Settings) {
        // OpenSSL writes to sockets without MSG_NOSIGNAL.
        signal(SIGPIPE, SIG_IGN)
        guard let context = unsafe SSL_CTX_new(TLS_server_method()) else { return nil }
        guard let ssl = unsafe LoopbackTLS.session(context, settings) else {
            unsafe SSL_CTX_free(context)
            return nil
        }
        unsafe self.context = unsafe context
        unsafe self.ssl = unsafe ssl
        guard unsafe SSL_set_fd(ssl, connection.socket) == 1, unsafe SSL_accept(ssl) == 1 else { return nil }
    }

    deinit {
        unsafe SSL_free(ssl)
        unsafe SSL_CTX_free(context)
    }

    private static func session(_ context: OpaquePointer, _ settings: Settings) -> OpaquePointer? {
        guard unsafe SSL_CTX_use_certificate_chain_file(context, settings.certificate) == 1,
            unsafe SSL_CTX_use_PrivateKey_file(context, settings.key, SSL_FILETYPE_PEM) == 1
        else { return nil }
        if let authority = settings.clientAuthority {
            guard unsafe SSL_CTX_load_verify_locations(context, authority, nil) == 1 else { return nil }
            unsafe SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nil)
        }
        if settings.isOld {
            unsafe SSL_CTX_ctrl(context, SSL_CTRL_SET_MAX_PROTO_VERSION, Int(TLS1_2_VERSION), nil)
        }
        return unsafe SSL_new(context)
    }

    /// Waits for bytes; empty when the client has closed, in good order or not.
    package func read(atMost limit: Int) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: limit)
        let count = unsafe SSL_read(ssl, &bytes, Int32(limit))
        return Array(bytes.prefix(max(0, Int(count))))
    }

    /// Whether the client has said that nothing more comes (close_notify).
    package var hasGoodbye: Bool { unsafe SSL_get_shutdown(ssl) & SSL_RECEIVED_SHUTDOWN != 0 }

    @discardableResult
    package func write(_ bytes: [UInt8]) -> Bool {
        unsafe SSL_write(ssl, bytes, Int32(bytes.count)) == Int32(bytes.count)
    }

    /// Says that nothing more comes.
    package func sayGoodbye() { unsafe SSL_shutdown(ssl) }
}
