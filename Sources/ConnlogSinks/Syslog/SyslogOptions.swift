public import ConnlogCore

/// What one syslog sink is told to do.
public struct SyslogOptions: Sendable {
    public enum Transport: String, Sendable, CaseIterable { case tcp, udp }

    /// How a stream is cut into messages (RFC 6587 §3.4).
    public enum Framing: String, Sendable, CaseIterable {
        /// The length in bytes and a blank before each message.
        case octetCounting = "octet_counting"
        /// A line feed behind each message; no message has one inside, since control characters are rewritten.
        case lf
    }

    /// A receiver.
    public struct Receiver: Sendable, Equatable {
        public let host: String
        public let port: Int

        public init(host: String, port: Int) {
            self.host = host
            self.port = port
        }
    }

    public var transport = Transport.tcp
    /// The first is used while it works, then the next, and so round.
    public var receivers: [Receiver]
    public var framing = Framing.octetCounting
    public var messages = RFC5424Options()
    /// For each address of a receiver.
    public var connectTimeout = Duration.seconds(10)
    /// How long bytes may stay unacknowledged, and a receiver may take nothing.
    public var timeout = Duration.seconds(30)
    /// A connection older than this is ended in good order and made anew, give or take a tenth; `nil` keeps it.
    public var maxConnectionAge: Duration?

    public init(_ receivers: [Receiver]) {
        self.receivers = receivers
    }
}
