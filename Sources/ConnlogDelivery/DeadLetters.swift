import ConnlogCore
import ConnlogSystem

/// The events that a sink's receiver refused for good: `queue/dead-letter/<sink>/<date>.jsonl`.
///
/// One JSON object a line: `time`, `sink`, `reason` (the counter's label), `text` (the receiver's words), `offset`, and
/// `record`, the event exactly as it was received, as a JSON object. Each is synced before the event is committed.
/// The backlog scanner never looks here, and nothing here is deleted by connlog.
struct DeadLetters {
    private let directory: String
    private let sink: String
    private let fileSystem: any FileSystem
    private let clock: any WallTime
    private var line = ByteBuffer()

    init(directory: String, sink: String, fileSystem: any FileSystem, clock: any WallTime) {
        self.directory = directory
        self.sink = sink
        self.fileSystem = fileSystem
        self.clock = clock
    }

    /// Returns once the event is on disk.
    mutating func write(_ record: Span<UInt8>, offset: UInt64, _ reason: Reason) throws(SystemError) {
        let now = clock.now()
        let day = EventTime.text(now).prefix(10)
        line.removeAll()
        line.append("{\"time\":\"\(EventTime.text(now))\",\"sink\":\(JSONText.quoted(sink)),")
        line.append("\"reason\":\(JSONText.quoted(reason.label)),\"text\":\(JSONText.quoted(reason.text)),")
        line.append("\"offset\":\(offset),\"record\":")
        line.append(record)
        line.append("}\n")
        try append(to: "\(directory)/\(day).jsonl")
    }

    private func append(to path: String) throws(SystemError) {
        try fileSystem.createDirectory(directory)
        let file: any OpenFile
        do throws(SystemError) {
            file = try fileSystem.open(path, .readWrite)
        } catch {
            guard error.code == Errno.notFound else { throw error }
            file = try fileSystem.open(path, .createNew)
            try fileSystem.syncDirectory(directory)
        }
        let end = try file.size()
        var written = 0
        while written < line.count {
            written += try file.write(line, written..<line.count, at: end + written)
        }
        try file.sync()
    }
}
