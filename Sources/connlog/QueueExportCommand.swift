import ArgumentParser
import ConnlogCore
import ConnlogDaemon
import ConnlogSystem
import ConnlogTools

/// `connlog queue export`
struct QueueExportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Write the queue's events to standard output, one JSON object a line, as they were received.",
        discussion: """
            --from and --to take an offset or a time: \(TimePoint.help). Times are those of the events. --from is \
            included, --to is not.

              connlog queue export --sink siem                     what siem has not got yet
              connlog queue export --from -24h | connlog convert --to csv
              connlog queue export --from 4711 --to 4712           one event

            Status: 0 done, 1 something could not be read or written (told on standard error), 2 usage.
            """)

    @OptionGroup var queue: QueueOptions

    @Option(parsing: .unconditional, help: "The first offset, or the earliest time.")
    var from: String?

    @Option(parsing: .unconditional, help: "The offset, or the time, to stop before.")
    var to: String?

    @Option(help: "Begin at this sink's offset: what it has not got yet.", completion: Completions.sinks)
    var sink: String?

    @Option(help: "Only events that this matches, in the filter language.")
    var filter: String?

    @Flag(help: "Write {\"offset\":4711,\"record\":{...}} for each event.")
    var offsets = false

    func run() async throws {
        let snapshot = try queue.load().location.snapshot()
        var options = QueueExport.Options()
        options.addsOffsets = offsets
        if let filter { options.filter = try EventFilters.parse(filter) }
        var first: UInt64 = 0
        var end = UInt64.max
        if let sink { first = try snapshot.committedOffset(of: sink) }
        switch try TimeArgument.point(from, "--from") {
        case .offset(let offset): first = max(first, offset)
        case .time(let time): options.times.from = time
        case nil: break
        }
        switch try TimeArgument.point(to, "--to") {
        case .offset(let offset): end = offset
        case .time(let time): options.times.to = time
        case nil: break
        }
        options.offsets = first..<max(first, end)
        var export = QueueExport(snapshot, options)
        let output = DataStream()
        try export.run { lines in
            output.write(lines.array)
            return true
        }
        output.finish()
        for loss in export.losses { Terminal.complain(.warning, loss) }
        if !export.losses.isEmpty { throw ExitCode(ExitStatus.failed.rawValue) }
    }
}

/// Times on the command line.
enum TimeArgument {
    static func point(_ text: String?, _ option: String) throws(ToolError) -> TimePoint? {
        guard let text else { return nil }
        if let point = TimePoint.parse(text, now: SystemWallTime().now(), allowsOffset: true) { return point }
        throw ToolError("\(option): '\(text)' is neither an offset nor a time; write \(TimePoint.help)", status: .usage)
    }

    static func time(_ text: String?, _ option: String) throws(ToolError) -> Nanoseconds? {
        guard let text else { return nil }
        if let time = TimePoint.time(text, now: SystemWallTime().now()) { return time }
        throw ToolError("\(option): '\(text)' is not a time; write \(TimePoint.help)", status: .usage)
    }
}
