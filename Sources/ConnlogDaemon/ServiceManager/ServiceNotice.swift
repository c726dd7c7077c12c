import ConnlogCore

/// What a service tells its manager, in the words of `sd_notify(3)`.
enum ServiceNotice: Equatable {
    /// Sources and sinks are at work; also that a reload is over.
    case ready(String)
    /// How things are, for `systemctl status`.
    case status(String)
    /// A reload has begun, at this time of `MonotonicTime`.
    case reloading(at: Duration)
    /// The end has begun.
    case stopping(String)
    /// The watchdog's time begins anew.
    case alive
    /// What is under way, a start or an end, takes so long from now on at most.
    case takes(Duration)

    /// Bytes of a status; what is longer is cut.
    static let statusBytesMax = 1000

    /// The datagram: lines without an end mark.
    var text: String {
        switch self {
        case .ready(let words): "READY=1\n\(ServiceNotice.status(words).text)"
        // A name with a line break in it must not become a line of the message.
        case .status(let words): "STATUS=\(TerminalText.line(TerminalText.cut(words, bytesMax: Self.statusBytesMax)))"
        case .reloading(let time): "RELOADING=1\nMONOTONIC_USEC=\(Self.microseconds(time))"
        case .stopping(let words): "STOPPING=1\n\(ServiceNotice.status(words).text)"
        case .alive: "WATCHDOG=1"
        case .takes(let time): "EXTEND_TIMEOUT_USEC=\(Self.microseconds(time))"
        }
    }

    /// Goes after what a manager has not heard yet, and instead of what it need not hear any more.
    func join(_ owed: inout [ServiceNotice]) {
        switch self {
        case .ready:
            owed.removeAll {
                switch $0 {
                case .ready, .reloading: true
                case .status, .stopping, .alive, .takes: false
                }
            }
        case .stopping: owed = []
        case .reloading, .status, .alive, .takes: break
        }
        owed.append(self)
    }

    private static func microseconds(_ duration: Duration) -> Int64 {
        let (seconds, attoseconds) = duration.components
        return seconds * 1_000_000 + attoseconds / 1_000_000_000_000
    }
}
