import ConnlogSystem

/// How much a line of connlog's own log matters.
public enum LogLevel: Int, Sendable, Comparable, CaseIterable {
    case trace, debug, info, warning, error

    /// By importance.
    public static func < (left: LogLevel, right: LogLevel) -> Bool { left.rawValue < right.rawValue }
}

/// Takes one line for connlog's own log. Never called per event.
public typealias LogFunction = @Sendable (LogLevel, String) -> Void

/// Where connlog's own log goes: what sources, sinks and the queue say to whoever runs them.
public struct Log: Sendable {
    /// Takes a line. May be called from any thread, by several at once.
    public let write: LogFunction

    /// To a log of one's own, such as swift-log.
    public init(_ write: @escaping LogFunction) { self.write = write }

    /// Lines on standard error, each with its time and level; `debug` and `trace` are left out.
    public static let standardError = Log { level, text in
        guard level >= .info else { return }
        let line = LogLine.text(SystemWallTime().now(), "\(level)", text, isJSON: false)
        // There is nowhere to say that it cannot be said.
        try? Machine.write(Array(line.utf8), to: 2)
    }
}
