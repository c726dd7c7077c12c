/// Which part of a system a syslog message is about (RFC 5424 §6.2.1).
public enum Facility: Int, Sendable, CaseIterable {
    case kern, user, mail, daemon, auth, syslog, lpr, news, uucp, cron, authpriv, ftp, ntp, audit, alert, clock
    case local0, local1, local2, local3, local4, local5, local6, local7

    /// As configurations write it: `local0`.
    public var name: String { String(describing: self) }

    /// Reads a name or a number from 0 to 23.
    public init?(_ text: String) {
        let named = Facility.allCases.first { $0.name == text }
        guard let found = named ?? Int(text).flatMap(Facility.init(rawValue:)) else { return nil }
        self = found
    }
}

/// How much a syslog message matters (RFC 5424 §6.2.1).
public enum Severity: Int, Sendable, CaseIterable {
    case emergency, alert, critical, error, warning, notice, informational, debug
}
