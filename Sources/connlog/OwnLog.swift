import ConnlogConfig
import ConnlogCore
import ConnlogSystem
import Logging

/// connlog's own log, on standard error: by swift-log, so that a program that embeds the library can send it elsewhere.
struct OwnLog: Sendable {
    private let logger: Logger

    init(_ section: Section, progress: ProgressLine?) {
        let isJSON = section.string("log_format") == "json"
        let level = Logger.Level(rawValue: section.string("log_level")) ?? .info
        LoggingSystem.bootstrap { _ in LineHandler(logLevel: level, isJSON: isJSON, progress: progress) }
        logger = Logger(label: "connlog")
    }

    func write(_ level: LogLevel, _ text: String) {
        logger.log(level: OwnLog.level(level), "\(text)")
    }

    /// For libraries that tell more than an admin wants to read: only what is wrong.
    var quiet: Logger {
        var quiet = logger
        quiet.logLevel = .error
        return quiet
    }

    private static func level(_ level: LogLevel) -> Logger.Level {
        switch level {
        case .trace: .trace
        case .debug: .debug
        case .info: .info
        case .warning: .warning
        case .error: .error
        }
    }
}

/// One line for each entry: `2026-03-03 07:00:00.000 [info] text`, or a JSON object with `ts`, `level` and `msg`.
struct LineHandler: LogHandler {
    var logLevel: Logger.Level
    var metadata: Logger.Metadata = [:]
    let isJSON: Bool
    let progress: ProgressLine?
    private let clock = SystemWallTime()

    init(logLevel: Logger.Level, isJSON: Bool, progress: ProgressLine?) {
        self.logLevel = logLevel
        self.isJSON = isJSON
        self.progress = progress
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        progress?.clear()
        Terminal.writeError(line(event.level, "\(event.message)"))
    }

    private func line(_ level: Logger.Level, _ text: String) -> String {
        let time = EventTime.text(clock.now(), .digits(3))
        guard isJSON else {
            let oneLine = text.split(separator: "\n", omittingEmptySubsequences: false).joined(separator: "\\n")
            return "\(time) [\(level)] \(oneLine)\n"
        }
        return "{\"ts\":\"\(time)\",\"level\":\"\(level)\",\"msg\":\(JSONText.quoted(text))}\n"
    }
}
