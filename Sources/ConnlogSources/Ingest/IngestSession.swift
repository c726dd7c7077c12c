import ConnlogCore
import ConnlogSystem
import Synchronization

/// One piece of input: lines as they come, so many events at a time to the queue.
final class IngestSession: IntakeSession {
    private let source: IngestSource
    // Used by one task at a time; the lock is for the compiler.
    private let state: Mutex<State>

    private struct State {
        var decoder: EventDecoder
        var batch = EventBatch()
        /// Lines that are not done with: one without its end, an entry that may go on.
        var rest = ByteBuffer()
        var line = 0
        var report = IntakeReport()
    }

    /// A batch goes to the queue when it has so many bytes.
    private static let batchBytes = 1 << 20
    private static let refusalsMax = 100

    init(_ source: IngestSource) {
        self.source = source
        state = Mutex(State(decoder: source.makeDecoder()))
    }

    func take(_ bytes: Span<UInt8>) async throws(IntakeError) {
        let full = state.withLock { state -> EventBatch? in
            state.rest.append(bytes)
            IngestSession.decodeLines(&state, isEnd: false)
            return state.batch.recordBytes >= IngestSession.batchBytes ? IngestSession.cut(&state) : nil
        }
        if let full { try await enqueue(full) }
    }

    func finish() async throws(IntakeError) -> IntakeReport {
        let last = state.withLock { state -> EventBatch? in
            IngestSession.decodeLines(&state, isEnd: true)
            return state.batch.isEmpty ? nil : IngestSession.cut(&state)
        }
        if let last { try await enqueue(last) }
        try await source.flush()
        let report = state.withLock { $0.report }
        source.context.status.update { counts in
            counts.duplicates += report.duplicates
            if report.skipped > 0 { counts.skipped["other", default: 0] += report.skipped }
        }
        return report
    }

    private func enqueue(_ batch: EventBatch) async throws(IntakeError) {
        let (bytes, lines) = (batch.recordBytes, batch.count)
        let (accepted, duplicates) = try await source.enqueue(batch)
        state.withLock {
            $0.report.accepted += accepted
            $0.report.duplicates += duplicates
        }
        source.context.status.update { counts in
            counts.events += accepted
            counts.bytes += bytes
            counts.lines += lines
        }
    }

    private static func cut(_ state: inout State) -> EventBatch {
        defer { state.batch = EventBatch() }
        return state.batch
    }

    // MARK: - Lines

    /// Decodes line by line, so that what is refused is known by its line.
    private static func decodeLines(_ state: inout State, isEnd: Bool) {
        var input = EventBatch()
        input.bytes.append(state.rest.span)
        var (start, place) = (0, 0)
        let end = input.bytes.count
        while place < end {
            guard input.bytes[place] == UInt8(ascii: "\n") || isEnd && place == end - 1 else {
                place += 1
                continue
            }
            place += 1
            state.line += 1
            start += state.decoder.decode(start..<place, in: &input, isEnd: isEnd && place == end)
            note(state.decoder.takeCounts(), &state)
        }
        for index in 0..<input.count { state.batch.append(input.record(index)) }
        state.rest.removeAll()
        state.rest.append(input.bytes.span(start..<end))
    }

    private static func note(_ counts: DecodeCounts, _ state: inout State) {
        state.report.skipped += counts.auditLog + counts.other
        state.report.duplicates += counts.duplicates
        for sample in counts.samples { refuse("\(sample.fault)", &state) }
        for _ in 0..<counts.tooLong { refuse("longer than max_line", &state) }
        for _ in 0..<counts.partial { refuse("the last line is not finished", &state) }
    }

    private static func refuse(_ reason: String, _ state: inout State) {
        state.report.refused += 1
        guard state.report.refusals.count < refusalsMax else { return }
        state.report.refusals.append(IntakeReport.Refusal(line: state.line, reason: reason))
    }
}
