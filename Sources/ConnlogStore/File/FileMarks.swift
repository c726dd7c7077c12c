import ConnlogSystem

/// What stands at the store's three names: the file, the log beside it (`-wal`), and the log's index (`-shm`).
///
/// Nothing here opens a file: closing one gives up the locks that SQLite has on it in this process.
struct FileMarks: Sendable, Equatable {
    private(set) var file: FileStatus?
    private(set) var log: FileStatus?
    private(set) var index: FileStatus?

    init(_ path: String) {
        file = try? FileStatus(of: path)
        log = try? FileStatus(of: path + "-wal")
        index = try? FileStatus(of: path + "-shm")
    }

    var logBytes: Int { log?.size ?? 0 }

    /// What became of what is open.
    enum Change: Sendable, Equatable {
        /// The file has another name now, or none.
        case gone
        /// Another file has its name.
        case replaced
        /// It is shorter than it was.
        case cut
        /// The log, or its index, is another one or none. What is in it can still be moved into the file.
        case logGone
        /// The log is shorter than connlog left it.
        case logCut

        /// The file and the log that are open belong together, wherever they are.
        var keepsFile: Bool {
            switch self {
            case .gone, .replaced, .logGone: true
            case .cut, .logCut: false
            }
        }

        var words: String {
            switch self {
            case .gone: "is gone"
            case .replaced: "is another file now"
            case .cut: "was cut"
            case .logGone: "has lost the log beside it"
            case .logCut: "has a log beside it that was cut"
            }
        }
    }

    /// What has happened since these marks were made.
    /// - Parameter knowsLog: whoever writes knows how long the log should be, between two of its own works on it.
    func change(to now: FileMarks, knowsLog: Bool = false) -> Change? {
        guard let file else { return nil }
        guard let fileNow = now.file else { return .gone }
        if fileNow.identity != file.identity { return .replaced }
        if fileNow.size < file.size { return .cut }
        if let log, log.identity != now.log?.identity { return .logGone }
        if let index, index.identity != now.index?.identity { return .logGone }
        if knowsLog, let log, now.logBytes < log.size { return .logCut }
        return nil
    }
}
