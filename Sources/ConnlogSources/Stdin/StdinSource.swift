public import ConnlogCore
package import ConnlogPipeline
package import ConnlogSystem
import Synchronization

/// `type = stdin`: what another program writes to connlog's standard input, until its end.
///
/// A pipe cannot be read again, so there is no checkpoint: what has been taken from it and is not on disk when connlog
/// is killed is gone, at most what is on its way to the disk just then. Everything read before the end of the input,
/// or before a stop by signal, is on disk when `run` returns. Who needs more lets connlog follow a file. A file given
/// as standard input is read from where it stands, at each start.
public struct StdinSource: Source {
    let input: StreamInput
    let context: SourceContext
    let makeDecoder: @Sendable () -> any EntryDecoder
    /// How long nothing must come before an entry of several lines counts as complete.
    let silence: Duration

    package init(
        _ input: StreamInput, _ context: SourceContext, silence: Duration = .seconds(5),
        makeDecoder: @escaping @Sendable () -> any EntryDecoder
    ) {
        self.silence = silence
        self.input = input
        self.context = context
        self.makeDecoder = makeDecoder
    }

    /// Where it counts: see `Source.status`.
    public var status: SourceStatus? { context.status }
    /// Whether what it has read can be read again after a restart: see `Source.canReadAgain`.
    public var canReadAgain: Bool { false }
    /// Whether it looks for more each second by itself: see `Source.comesRound`.
    public var comesRound: Bool { true }

    /// Reads until the end of its input or until its task is cancelled: see `Source.run(into:)`.
    public func run(into output: any EventOutput) async throws(SourceError) {
        let reads = Reads()
        context.status.setProbe { [input] in input.unread(place: reads.made).map { [$0] } ?? [] }
        defer { context.status.setProbe(nil) }
        do throws(AppendError) {
            try await readAll(output, reads)
            try await output.flush()
        } catch {
            guard case .failed(let reason) = error else { return }
            throw SourceError("reading standard input stops, since the queue cannot be written: \(reason)")
        }
    }

    private func readAll(_ output: any EventOutput, _ reads: Reads) async throws(AppendError) {
        var decoder = makeDecoder()
        var rest = ByteBuffer()
        var isEnd = false
        // Slices without a byte, counted until what might have gone on was taken for complete.
        var silence = 0
        var batch = output.makeBatch()
        while !isEnd, !Task.isCancelled {
            let ended = read(&batch)
            context.status.turn()
            if ended != nil { reads.count() }
            silence = ended == nil ? silence + 1 : 0
            if ended == nil, silence != silentSlices || batch.bytes.isEmpty { continue }
            isEnd = ended == true
            decode(&batch, &rest, &decoder, isEnd: isEnd, isSilent: ended == nil)
            if batch.isEmpty {
                batch.removeAll()
            } else {
                try await output.enqueue(batch, [])
                batch = output.makeBatch()
            }
            batch.bytes.append(rest.span)
        }
    }

    /// Whether the input has ended; nil when nothing came for a while.
    private func read(_ batch: inout EventBatch) -> Bool? {
        do throws(SystemError) {
            let outcome = try input.read(
                into: &batch.bytes, count: StdinSource.readBytes, waiting: StdinSource.slice)
            return outcome == .nothing ? nil : outcome == .end
        } catch {
            context.log(.error, "\(error); taken for the end of the input")
            return true
        }
    }

    private func decode(
        _ batch: inout EventBatch, _ rest: inout ByteBuffer, _ decoder: inout any EntryDecoder, isEnd: Bool,
        isSilent: Bool
    ) {
        let end = batch.bytes.count
        let done =
            isSilent ? decoder.flushPending(0..<end, in: &batch) : decoder.decode(0..<end, in: &batch, isEnd: isEnd)
        rest.removeAll()
        rest.append(batch.bytes.span(done..<end))
        if batch.bytes.count == end { batch.bytes.truncate(to: done) }
        var counts = decoder.takeCounts("standard input", start: 0)
        counts.bytes += done
        counts.events += batch.count
        context.status.update { $0.add(counts) }
    }

    private var silentSlices: Int { max(1, Int(silence / StdinSource.slice)) }

    private static let readBytes = 1 << 20
    private static let slice = Duration.milliseconds(100)
}

/// How often something was read.
private final class Reads: Sendable {
    private let number = Atomic<UInt64>(0)

    var made: UInt64 { number.load(ordering: .relaxed) }
    func count() { number.add(1, ordering: .relaxed) }
}
