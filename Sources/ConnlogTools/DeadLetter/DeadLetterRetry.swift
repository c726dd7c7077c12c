import ConnlogCore
import ConnlogDelivery
import ConnlogSystem

/// `connlog dead-letter retry`: sends dead letters of one sink again, and takes out those that the receiver has now.
///
/// A letter goes only after the sink has made sure of it, so a crash in between sends it once more and loses nothing.
package struct DeadLetterRetry: Sendable {
    /// What came of it.
    package struct Outcome: Sendable, Equatable {
        package internal(set) var delivered = 0
        /// Refused again, by the reason's label; they stay.
        package internal(set) var refused: [String: Int] = [:]
        /// The last refusal's words.
        package internal(set) var lastRefusal: String?
        /// Not tried, since the sink was given up or somebody stopped it; they stay.
        package internal(set) var left = 0
        package internal(set) var gaveUp: String?
        /// Lines that are no dead letters; they stay.
        package internal(set) var unreadable = 0
        package internal(set) var possibleRepeats = 0

        package var refusedInAll: Int { refused.values.reduce(0, +) }
        /// Letters that were selected.
        package var selected: Int { delivered + refusedInAll + left }
        package var isComplete: Bool { refused.isEmpty && left == 0 && unreadable == 0 && gaveUp == nil }
    }

    private let box: DeadLetterBox
    private let selection: DeadLetterSelection
    private let limits: BatchLimits
    private var redelivery: Redelivery
    private var outcome = Outcome()

    init(_ box: DeadLetterBox, _ selection: DeadLetterSelection, limits: BatchLimits, redelivery: Redelivery) {
        self.box = box
        self.selection = selection
        self.limits = limits
        self.redelivery = redelivery
    }

    /// Sends what was selected. Cancelling the task ends it after what is under way.
    mutating func run() async throws(ToolError) -> Outcome {
        let claim = try box.claim()
        defer { withExtendedLifetime(claim) {} }
        let days = try box.days().filter { selection.day == nil || selection.day == $0 }
        if let reason = await redelivery.open() { outcome.gaveUp = reason.text }
        for day in days { try await resend(day) }
        await redelivery.close()
        return outcome
    }

    private mutating func resend(_ day: String) async throws(ToolError) {
        var delivered: Set<Int> = []
        guard var lines = try box.open(day) else { return }
        var batch = EventBatch()
        var positions: [Int] = []
        while let position = try lines.nextLine() {
            guard let letter = DeadLetter(lines.line.span, sink: box.sink, day: day, position: position) else {
                outcome.unreadable += 1
                continue
            }
            guard selection.contains(letter) else { continue }
            batch.append(Array(letter.record.utf8).span)
            positions.append(position)
            guard batch.count >= limits.events || batch.recordBytes >= limits.bytes / 2 else { continue }
            await send(&batch, &positions, &delivered)
        }
        await send(&batch, &positions, &delivered)
        try await box.remove(delivered, of: day)
        outcome.delivered += delivered.count
    }

    private mutating func send(_ batch: inout EventBatch, _ positions: inout [Int], _ delivered: inout Set<Int>) async {
        defer {
            batch.removeAll()
            positions.removeAll()
        }
        guard !batch.isEmpty else { return }
        guard outcome.gaveUp == nil, !Task.isCancelled else {
            outcome.left += batch.count
            return
        }
        let result = await redelivery.send(batch)
        for index in result.delivered { delivered.insert(positions[index]) }
        for (_, reason) in result.refused {
            outcome.refused[reason.label, default: 0] += 1
            outcome.lastRefusal = reason.text
        }
        outcome.possibleRepeats += result.possibleRepeats
        outcome.left += batch.count - result.delivered.count - result.refused.count
        if let reason = result.gaveUp { outcome.gaveUp = reason.text }
    }
}
