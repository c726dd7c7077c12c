/// In which of coderd's formats lines come, or who has wrapped them.
public enum InputFormat: String, Sendable, CaseIterable {
    /// Told line by line; a stream may mix them.
    case auto
    case slogJSON = "slog_json"
    case slogHuman = "slog_human"
    case stackdriver
    // By whom they were wrapped, each into JSON; what is inside is told line by line.
    case journal, fluentd
    /// `journalctl -o export`
    case journalExport = "journal_export"
    case fluentBit = "fluent_bit"
    case vector, filebeat
    case cloudWatch = "cloudwatch"
    case cloudLogging = "cloud_logging"
    case datadog, otlp, loki, splunk, stern
    /// What Splunk exports as CSV, from its beginning.
    case splunkCSV = "splunk_csv"
    // By a name in front of each line, which whoever brings it has written there.
    case kubectl, compose

    /// What comes so was collected from many programs, as a rule.
    package var isShared: Bool { Wrapper(self) != nil }
}

/// What a container runtime has wrapped the lines in; with `auto` shippers too, where that is certain.
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
package enum EventFormat: UInt8, Sendable, CaseIterable {
    case slogJSON, slogHuman, stackdriver
}
