import ConnlogCore
import ConnlogPipeline
import ConnlogSystem
import Synchronization

/// One piece of input: bytes as they come, decoded many at a time, on the source's own thread.
///
/// What is not done with, such as an entry that may go on, is presented again in front of more bytes. It is left alone
/// until as many new bytes have come as it has, so that all of it together costs what its bytes cost, however they come.
final class IngestSession: IntakeSession {
    private let source: IngestSource
    private let organizations: Set<String>?
    private let executor: ThreadExecutor
    // Used by one task at a time; the lock is for the compiler.
    private let state: Mutex<State>

    private struct State {
        var decoder: EventDecoder
        var rest = ByteBuffer()
        /// Of `rest`, those that the decoder has seen and not consumed.
        var seenBytes = 0
        var report = IntakeReport()
        var presentedBytes = 0
    }

    /// Bytes that the decoder was given so far, again and again those that it had left.
    var presentedBytes: Int { state.withLock { $0.presentedBytes } }

    /// So many new bytes are decoded at once, at least.
    private static let pieceBytes = 512 << 10
    /// So many refused lines are named in the answer.
    static let refusalsMax = 100

    init(_ source: IngestSource, _ organizations: Set<String>?, _ executor: ThreadExecutor) {
        self.source = source
        self.organizations = organizations
        self.executor = executor
        state = Mutex(State(decoder: source.makeDecoder()))
    }

    func take(_ bytes: Span<UInt8>) async throws(IntakeError) {
        let isEnough = state.withLock { state in
            state.rest.append(bytes)
            return state.rest.count - state.seenBytes >= max(IngestSession.pieceBytes, state.seenBytes)
        }
        if isEnough { try await decode(isEnd: false) }
    }

    func finish() async throws(IntakeError) -> IntakeReport {
        try await decode(isEnd: true)
        try await source.flush()
        let report = state.withLock { $0.report }
        source.context.status.update { counts in
            counts.duplicates += report.duplicates
        }
        return report
    }

    private func decode(isEnd: Bool) async throws(IntakeError) {
        if Task.isCancelled { throw .failed("whoever handed it in has left") }
        source.context.status.begin()
        defer { source.context.status.end() }
        try await withTaskExecutorPreference(executor) { () async throws(IntakeError) in
            var counts = SourceCounts()
            let batch = state.withLock { IngestSession.decode(&$0, isEnd: isEnd, &counts) }
            source.context.status.update { $0.add(counts) }
            if !batch.isEmpty { try await enqueue(batch) }
        }
    }

    private func enqueue(_ batch: EventBatch) async throws(IntakeError) {
        let bytes = batch.recordBytes
        let taken = try await source.enqueue(batch, organizations)
        state.withLock {
            $0.report.accepted += taken.accepted
            $0.report.duplicates += taken.duplicates
            if taken.foreign > 0 {
                IngestSession.refuse(
                    "of an organization whose events this token may not hand in", 0, taken.foreign, &$0)
            }
        }
        source.context.status.update { counts in
            counts.events += taken.accepted
            counts.bytes += bytes
        }
    }

    // MARK: - Decoding

    private static func decode(_ state: inout State, isEnd: Bool, _ counts: inout SourceCounts) -> EventBatch {
        var batch = EventBatch()
        batch.bytes.append(state.rest.span)
        let count = batch.bytes.count
        state.presentedBytes += count
        let consumed = state.decoder.decode(0..<count, in: &batch, isEnd: isEnd)
        let taken = state.decoder.takeCounts()
        note(taken, &state)
        counts = SourceCounts(taken)
        // Those that came in another piece are known later.
        counts.duplicates = 0
        state.rest.removeAll()
        state.rest.append(batch.bytes.span(consumed..<count))
        state.seenBytes = count - consumed
        return batch
    }

    private static func note(_ counts: DecodeCounts, _ state: inout State) {
        // What calls itself an event and is none that can be read was meant to be taken.
        let mentions = counts.unreadMentions
        state.report.skipped += counts.auditLog + counts.other - mentions
        state.report.foreign += counts.foreign
        state.report.incomplete += counts.incomplete
        state.report.duplicates += counts.duplicates
        for sample in counts.samples { refuse("\(sample.fault)", sample.line, 1, &state) }
        let all = counts.malformed.values.reduce(mentions + counts.tooLong + counts.partial, +)
        state.report.refused += max(0, all - counts.samples.count)
    }

    private static func refuse(_ reason: String, _ line: Int, _ count: Int, _ state: inout State) {
        state.report.refused += count
        guard state.report.refusals.count < refusalsMax else { return }
        state.report.refusals.append(IntakeReport.Refusal(line: line, reason: reason))
    }
}
