/// How much a line of connlog's own log matters.
public enum LogLevel: Int, Sendable, Comparable, CaseIterable {
    case trace, debug, info, warning, error

    public static func < (left: LogLevel, right: LogLevel) -> Bool { left.rawValue < right.rawValue }
}

/// Takes one line for connlog's own log. Never called per event.
public typealias LogFunction = @Sendable (LogLevel, String) -> Void
