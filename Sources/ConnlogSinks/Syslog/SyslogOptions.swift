public import ConnlogCore
public import ConnlogSystem

/// What one syslog sink is told to do.
public struct SyslogOptions: Sendable {
    /// How messages travel.
    public enum Transport: String, Sendable, CaseIterable {
        case udp, tcp, tls, relp
        case relpTLS = "relp_tls"
        case unix

        package var usesTLS: Bool { self == .tls || self == .relpTLS }
        package var usesRELP: Bool { self == .relp || self == .relpTLS }
    }

    /// How a stream is cut into messages (RFC 6587 §3.4).
    public enum Framing: String, Sendable, CaseIterable {
        /// The length in bytes and a blank before each message.
        case octetCounting = "octet_counting"
        /// A line feed after each message; no message has one inside, since control characters are rewritten.
        case lf
    }

    /// Which of several receivers is connected to.
    public enum Distribution: String, Sendable, CaseIterable {
        /// The first that can be reached.
        case failover
        /// Any one, anew for each connection.
        case spread
    }

    /// A receiver.
    public struct Receiver: Sendable, Equatable {
        /// A name or an address.
        public let host: String
        /// 1 to 65535.
        public let port: Int

        /// A receiver.
        public init(host: String, port: Int) {
            self.host = host
            self.port = port
        }
    }

    /// How messages travel.
    public var transport = Transport.tcp
    /// Empty only for `unix`.
    public var receivers: [Receiver]
    /// For `unix`.
    public var path = "/dev/log"
    /// What several receivers are for.
    public var distribution = Distribution.failover
    /// How messages are kept apart in a stream (RFC 6587).
    public var framing = Framing.octetCounting
    /// What a message holds (RFC 5424).
    public var messages = RFC5424Options()
    /// Adds the names that it knows for an event's ids, with RFC 5424 only.
    public var names: (any Names)?
    /// Messages of RFC 3164 instead of RFC 5424.
    public var legacy: RFC3164Options?
    /// Of the transports with TLS.
    public var tls = TLSSettings()
    /// For each address of a receiver.
    public var connectTimeout = Duration.seconds(10)
    /// How long bytes may stay unacknowledged, and a receiver may take nothing.
    public var timeout = Duration.seconds(30)
    /// A connection older than this is ended in good order and made anew, give or take a tenth; `nil` keeps it.
    public var maxConnectionAge: Duration?
    /// RELP: how many messages may be unacknowledged.
    public var window = 1000
    /// TCP and TLS: so much that a receiver has read counts as not dealt with, and is sent again after a break, beside
    /// what it had not read. `nil` for what receivers usually hold; 0 takes what the receiver's kernel has acknowledged
    /// for delivered.
    public var resendTailBytes: Int?

    /// How long a receiver may take to answer.
    var patience: Duration { max(timeout, connectTimeout) }

    /// - Parameter receivers: at least one, unless the transport is a local socket.
    public init(_ receivers: [Receiver]) {
        self.receivers = receivers
    }
}
