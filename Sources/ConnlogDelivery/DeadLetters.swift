import ConnlogCore
import ConnlogSystem

/// The events that a sink's receiver refused for good: `queue/dead-letter/<sink>/<date>.jsonl`.
///
/// One JSON object a line, with these members in this order; later versions may add some before `record`, and change none:
///
///     time      when it was refused, UTC
///     sink      its name
///     reason    the counter's label, such as hec_6
///     text      the receiver's words
///     code      the receiver's own number, such as "400/6" (HTTP status / Splunk's code); null if it gave none
///     endpoint  who refused it; null if it was refused here, before it was sent
///     offset    its number in the queue: two lines with the same one are the same event, refused twice
///     record    the event exactly as it was received, a JSON object
///
/// - Each line is synced, and so is its file's name, before the event is committed. A crash in between repeats the line
///   (same `offset`). A line that a crash tore is mended before the next is written: see `LetterFile`.
/// - Whoever rewrites these files holds the lock file `lock` beside them meanwhile, and the delivery waits for that.
/// - connlog deletes nothing here. When a sink's files together hold `bytesMax`, its delivery holds: it keeps the event
///   and sends no more, until somebody has looked at them.
struct DeadLetters {
    enum Failure: Error, Equatable {
        /// The bound is reached, or this line alone, of `needed` bytes, is larger. Nothing was written.
        case full(bytes: Int, needed: Int)
        /// Somebody rewrites the files.
        case locked
        case system(SystemError)
    }

    private let directory: String
    private let sink: String
    private let bytesMax: Int
    private let fileSystem: any FileSystem
    private let clock: any WallTime
    private var line = ByteBuffer()
    /// Bytes of all files, as far as known.
    private(set) var bytes: Int?
    /// The file whose name is known to be on disk.
    private var syncedPath: String?

    init(directory: String, sink: String, bytesMax: Int, fileSystem: any FileSystem, clock: any WallTime) {
        self.directory = directory
        self.sink = sink
        self.bytesMax = bytesMax
        self.fileSystem = fileSystem
        self.clock = clock
    }

    /// More than half of what there may be.
    var isHalfFull: Bool { (bytes ?? 0) > bytesMax / 2 }

    /// Returns once the event is on disk.
    mutating func write(_ record: Span<UInt8>, offset: UInt64, _ reason: Reason) throws(Failure) {
        let now = EventTime.text(clock.now())
        line.removeAll()
        line.append("{\"time\":\"\(now)\",\"sink\":\(JSONText.quoted(sink)),")
        line.append("\"reason\":\(JSONText.quoted(reason.label)),\"text\":\(JSONText.quoted(reason.text)),")
        line.append("\"code\":\(DeadLetters.quoted(reason.code)),\"endpoint\":\(DeadLetters.quoted(reason.endpoint)),")
        line.append("\"offset\":\(offset),\"record\":")
        line.append(record)
        line.append("}\n")
        let lock: any FileLock
        do throws(SystemError) {
            try fileSystem.createDirectory(directory)
            lock = try fileSystem.lock("\(directory)/lock")
        } catch {
            throw error.code == Errno.again ? .locked : .system(error)
        }
        defer { withExtendedLifetime(lock) {} }
        try writeLine(to: "\(directory)/\(now.prefix(10)).jsonl")
    }

    private mutating func writeLine(to path: String) throws(Failure) {
        do throws(SystemError) {
            let bytes = try bytesNow()
            guard bytes + line.count > bytesMax else {
                self.bytes = bytes + (try LetterFile(try open(path)).append(line))
                return
            }
            self.bytes = bytes
        } catch {
            bytes = nil
            throw .system(error)
        }
        throw .full(bytes: bytes ?? 0, needed: line.count)
    }

    /// What there is; counted again when that is not known, or when it is too much and somebody may have made room.
    private func bytesNow() throws(SystemError) -> Int {
        if let bytes, bytes + line.count <= bytesMax { return bytes }
        var sum = 0
        for name in try fileSystem.list(directory) where name.hasSuffix(".jsonl") {
            sum += try fileSystem.open("\(directory)/\(name)", .read).size()
        }
        return sum
    }

    private mutating func open(_ path: String) throws(SystemError) -> any OpenFile {
        let file = try openOrMake(path)
        // A process that died right after making the file may not have come to this.
        if syncedPath != path { try fileSystem.syncDirectory(directory) }
        syncedPath = path
        return file
    }

    private mutating func openOrMake(_ path: String) throws(SystemError) -> any OpenFile {
        do throws(SystemError) {
            return try fileSystem.open(path, .readWrite)
        } catch {
            guard error.code == Errno.notFound else { throw error }
            syncedPath = nil
            return try fileSystem.open(path, .createNew)
        }
    }

    private static func quoted(_ text: String?) -> String { text.map { JSONText.quoted($0) } ?? "null" }
}
