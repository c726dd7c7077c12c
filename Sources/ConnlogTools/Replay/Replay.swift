package import ConnlogCore
import ConnlogDelivery
package import ConnlogSystem

/// `connlog replay`: sends the events of a time range to one sink once more.
///
/// Beside a running daemon: it has connections of its own and touches no offset, so the receiver gets these events again,
/// under the ids they had, among what the daemon sends. See `ReplaySource` for where they come from.
package struct Replay {
    /// What came of it.
    package struct Outcome: Sendable, Equatable {
        /// In the range, once each, and wanted by the sink's filter.
        package internal(set) var found = 0
        package internal(set) var fromFiles = 0
        package internal(set) var fromQueue = 0
        package internal(set) var repeated = 0
        package internal(set) var filtered = 0
        package internal(set) var delivered = 0
        /// By the reason's label. They stay where they were found.
        package internal(set) var refused: [String: Int] = [:]
        package internal(set) var lastRefusal: String?
        package internal(set) var possibleRepeats = 0
        package internal(set) var losses: [String] = []
        package internal(set) var oldest: Nanoseconds?
        /// Why it ended early.
        package internal(set) var gaveUp: String?
        package internal(set) var wasStopped = false
        package internal(set) var isDryRun = false

        package var refusedInAll: Int { refused.values.reduce(0, +) }

        /// Everything that was found is at the receiver, and everything could be read.
        package var isComplete: Bool { refused.isEmpty && losses.isEmpty && gaveUp == nil && !wasStopped }
    }

    private var source: ReplaySource
    private var redelivery: Redelivery?
    private let limits: BatchLimits
    private var progress: ProgressBar
    private var outcome = Outcome()

    /// - Parameter redelivery: `nil` to count only.
    init(_ source: ReplaySource, _ redelivery: Redelivery?, limits: BatchLimits, progress: ProgressBar) {
        self.source = source
        self.redelivery = redelivery
        self.limits = limits
        self.progress = progress
    }

    /// Sends everything. Cancelling the task ends it.
    mutating func run() async throws(ToolError) -> Outcome {
        outcome.isDryRun = redelivery == nil
        if let reason = await redelivery?.open() {
            outcome.gaveUp = reason.text
        } else {
            try await sendAll()
        }
        await redelivery?.close()
        let counts = source.counts
        outcome.fromFiles = counts.fromFiles
        outcome.fromQueue = counts.fromQueue
        outcome.repeated = counts.repeated
        outcome.filtered = counts.filtered
        outcome.losses = counts.losses
        outcome.oldest = source.oldest
        return outcome
    }

    private mutating func sendAll() async throws(ToolError) {
        var batch = EventBatch()
        while outcome.gaveUp == nil {
            batch.removeAll()
            guard try source.fill(&batch, limits) else { return }
            outcome.found += batch.count
            if redelivery != nil { await send(batch) }
            let note = "\(outcome.isDryRun ? outcome.found : outcome.delivered) events"
            progress.update(done: source.bytesSoFar, of: source.bytesInAll, note)
            if Task.isCancelled {
                outcome.wasStopped = true
                return
            }
        }
    }

    private mutating func send(_ batch: EventBatch) async {
        guard let result = await redelivery?.send(batch) else { return }
        outcome.delivered += result.delivered.count
        outcome.possibleRepeats += result.possibleRepeats
        for (_, reason) in result.refused {
            outcome.refused[reason.label, default: 0] += 1
            outcome.lastRefusal = reason.text
        }
        if let reason = result.gaveUp, !Task.isCancelled { outcome.gaveUp = reason.text }
    }
}

extension Replay.Outcome {
    /// For people.
    /// - Parameter sink: where it went.
    package func text(sink: String) -> String {
        var text = isDryRun ? "dry run: nothing was sent\n" : ""
        text +=
            "found       \(Quantity.count(found, "event")): \(fromFiles) in log files, \(fromQueue) more in the queue\n"
        if let oldest { text += "oldest      \(EventTime.text(oldest))\n" }
        if filtered > 0 { text += "filtered    \(filtered) that sink '\(sink)' does not want\n" }
        guard !isDryRun else { return text + lossLines }
        text += "delivered   \(delivered)\n"
        if refusedInAll > 0 {
            let labels = refused.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", ")
            text += "refused     \(refusedInAll) (\(labels)): \(lastRefusal ?? "")\n"
        }
        if possibleRepeats > 0 { text += "repeats     \(possibleRepeats) may have been sent twice\n" }
        return text + lossLines
    }

    private var lossLines: String { losses.map { "not read    \($0)\n" }.joined() }

    /// For programs.
    package func json(sink: String) -> JSONValue {
        [
            "sink": .string(sink), "dry_run": .boolean(isDryRun), "found": JSONValue(found),
            "from_files": JSONValue(fromFiles), "from_queue": JSONValue(fromQueue), "filtered": JSONValue(filtered),
            "met_again": JSONValue(repeated), "delivered": JSONValue(delivered),
            "refused": .object(
                refused.sorted { $0.key < $1.key }.map { .init(key: $0.key, value: JSONValue($0.value)) }),
            "last_refusal": JSONValue(lastRefusal), "possible_repeats": JSONValue(possibleRepeats),
            "oldest_event_time": JSONValue(oldest.map { EventTime.text($0) }),
            "not_read": .array(losses.map { .string($0) }), "stopped": .boolean(wasStopped),
            "gave_up": JSONValue(gaveUp),
        ]
    }
}
