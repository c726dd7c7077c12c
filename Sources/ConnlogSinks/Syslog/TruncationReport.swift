internal import ConnlogCore

extension Reason {
    /// The decoder should have seen to it that there is no such record.
    static let notAnEvent = Reason(
        "not_an_event", "the record is not a connection event in slog's JSON, so no syslog message can be made of it")
}

/// Says when messages have been cut: at the first, the tenth, the hundredth and so on, and at the end.
struct TruncationReport {
    private var next: UInt64 = 1
    private var told: UInt64 = 0

    mutating func update(_ count: UInt64, _ bytesMax: Int, _ log: LogFunction) {
        guard count >= next else { return }
        while next <= count { next *= 10 }
        tell(count, bytesMax, log)
    }

    mutating func end(_ count: UInt64, _ bytesMax: Int, _ log: LogFunction) {
        if count > told { tell(count, bytesMax, log) }
    }

    private mutating func tell(_ count: UInt64, _ bytesMax: Int, _ log: LogFunction) {
        told = count
        log(
            .warning,
            "\(count) syslog message\(count == 1 ? " was" : "s were") cut to \(bytesMax) bytes and marked trunc=\"1\"; "
                + "raise max_size if the receiver takes more")
    }
}
