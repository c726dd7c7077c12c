import ConnlogConfig
import ConnlogCore
import ConnlogSystem
import Logging
import Synchronization

/// connlog's own log, on standard error: by swift-log, so that a program that embeds the library can send it elsewhere.
struct OwnLog: Sendable {
    private let logger: Logger
    private let style: LogStyle

    init(_ section: Section, progress: ProgressLine?) {
        let style = LogStyle(section)
        self.style = style
        LoggingSystem.bootstrap { _ in LineHandler(style, progress) }
        logger = Logger(label: "connlog")
    }

    /// A reload may have changed level and format.
    func adopt(_ section: Section) { style.adopt(section) }

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

/// What is written, and how; it may change at any time.
final class LogStyle: Sendable {
    private let now: Mutex<(level: Logger.Level, isJSON: Bool)>

    init(_ section: Section) { now = Mutex(LogStyle.read(section)) }

    func adopt(_ section: Section) { now.withLock { $0 = LogStyle.read(section) } }

    var level: Logger.Level { now.withLock { $0.level } }
    var isJSON: Bool { now.withLock { $0.isJSON } }

    private static func read(_ section: Section) -> (level: Logger.Level, isJSON: Bool) {
        (Logger.Level(rawValue: section.string("log_level")) ?? .info, section.string("log_format") == "json")
    }
}

/// One line for each entry, as `LogLine` has it.
struct LineHandler: LogHandler {
    var metadata: Logger.Metadata = [:]
    private let style: LogStyle
    /// One logger's own level, in the place of the style's.
    private var ownLevel: Logger.Level?
    private let progress: ProgressLine?
    private let clock = SystemWallTime()

    init(_ style: LogStyle, _ progress: ProgressLine?) {
        self.style = style
        self.progress = progress
    }

    var logLevel: Logger.Level {
        get { ownLevel ?? style.level }
        set { ownLevel = newValue }
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        progress?.clear()
        let (level, message) = (event.level.rawValue, "\(event.message)")
        // JSON is for programs, and stays what it is wherever it goes.
        if Terminal.errorsGoToJournal, !style.isJSON {
            return Terminal.writeError(LogLine.journal(level, message))
        }
        Terminal.writeError(LogLine.text(clock.now(), level, message, isJSON: style.isJSON))
    }
}
