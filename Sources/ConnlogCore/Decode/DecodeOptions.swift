/// In which of coderd's formats lines come.
public enum InputFormat: String, Sendable, CaseIterable {
    /// Told line by line; a stream may mix them.
    case auto
    case slogJSON = "slog_json"
    case slogHuman = "slog_human"
    case stackdriver
}

/// What a container runtime has wrapped the lines in.
public enum ContainerFormat: String, Sendable, CaseIterable {
    /// Told line by line.
    case auto
    case none
    /// `{"log": "...\n", "stream": "stderr", "time": "..."}`
    case docker
    /// `2025-07-03T05:09:41.929840747Z stderr F ...`
    case cri
}

/// The format that one event came in.
public enum EventFormat: UInt8, Sendable, CaseIterable {
    case slogJSON, slogHuman, stackdriver
}
