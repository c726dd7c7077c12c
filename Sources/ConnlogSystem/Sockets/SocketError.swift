#if canImport(Glibc)
import Glibc
#endif

/// Why a connection could not be made or did not hold: what happened, with whom, and the system's words.
package struct SocketError: Error, Equatable, Sendable, CustomStringConvertible {
    package enum Kind: String, Sendable {
        /// The name has no address, or the name server did not answer.
        case notResolved = "not_resolved"
        /// Nobody listens there.
        case refused = "connection_refused"
        case unreachable = "unreachable"
        /// Nothing happened for as long as the caller was willing to wait.
        case timedOut = "timeout"
        /// The peer said that it is done (FIN).
        case closed = "connection_closed"
        /// The peer broke the connection off (RST).
        case reset = "connection_reset"
        /// The connection ended without the peer's word that it would (TLS without close_notify).
        case cut = "connection_cut"
        /// The peer's certificate is not good enough.
        case untrusted = "tls_untrusted"
        /// The peer has refused us while TLS was set up, such as for our certificate.
        case tlsRefused = "tls_refused"
        /// What the peer speaks is no TLS, or none that we have in common.
        case tlsFailed = "tls_failed"
        /// A file with certificates or keys cannot be used.
        case certificateFile = "certificate_file"
        /// The peer does not keep to the protocol.
        case protocolBroken = "protocol_broken"
        /// A datagram larger than the socket or the path can take.
        case tooLarge = "message_too_large"
        /// A local socket is for streams, not datagrams, or the other way round.
        case wrongType = "wrong_type"
        /// There is no such local socket.
        case missing = "socket_missing"
        /// The task was cancelled while it waited.
        case cancelled = "cancelled"
        /// Any other failure of a system call.
        case failed = "socket_error"
    }

    package let kind: Kind
    /// The peer: `siem.example.com:6514`, with the numeric address after it where one is known.
    package let address: String
    /// What happened, in words, and where there is one the next step.
    package let detail: String

    package init(_ kind: Kind, _ address: String, _ detail: String) {
        self.kind = kind
        self.address = address
        self.detail = detail
    }

    /// Made from an `errno` value.
    init(code: Int32, _ address: String, _ call: String) {
        kind = SocketError.kind(of: code)
        self.address = address
        detail = "\(SystemError.text(of: code)) (\(call))" + SocketError.hint(kind)
    }

    /// Waiting alone will not help: somebody has to mend a configuration or a certificate, here or there.
    package var needsSomebody: Bool {
        switch kind {
        case .untrusted, .tlsRefused, .tlsFailed, .certificateFile, .protocolBroken: true
        default: false
        }
    }

    /// A short word for counters.
    package var label: String { kind.rawValue }

    package var description: String { "\(address): \(detail)" }

    private static func kind(of code: Int32) -> Kind {
        switch code {
        case ECONNREFUSED: .refused
        case ENETUNREACH, EHOSTUNREACH, ENETDOWN, EHOSTDOWN: .unreachable
        case ETIMEDOUT: .timedOut
        case ECONNRESET, EPIPE, ECONNABORTED: .reset
        case EMSGSIZE: .tooLarge
        case EPROTOTYPE: .wrongType
        case ENOENT: .missing
        default: .failed
        }
    }

    private static func hint(_ kind: Kind) -> String {
        switch kind {
        case .refused: "; is the receiver running, and is this its port?"
        case .missing: "; is the log daemon running, and is this its socket?"
        case .unreachable: "; is the network up, and is there a route?"
        case .timedOut: "; is the receiver alive, and does a firewall drop its packets?"
        default: ""
        }
    }
}
