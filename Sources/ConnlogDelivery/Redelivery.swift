package import ConnlogCore
import ConnlogSystem

/// Sends events that do not come from a delivery's place in the queue: dead letters again, a replay.
///
/// Decides as a `Delivery` does (`NextAction`, `Breaker`): waits and tries again, honours what the receiver asks for,
/// takes a bad event out by its number or by halving. Unlike a delivery it sends one batch at a time, moves no offset,
/// writes no dead letters, and gives up after `patience` without any success, since somebody is waiting for it.
///
/// Run it in a task with a `ThreadExecutor` of its own: sinks block.
package struct Redelivery: Sendable {
    /// What became of a batch, by the indexes of its events.
    package struct Outcome: Sendable, Equatable {
        package internal(set) var delivered: [Int] = []
        /// For good, by the receiver.
        package internal(set) var refused: [(index: Int, reason: Reason)] = []
        /// Why the rest was given up: the last failure.
        package internal(set) var gaveUp: Reason?
        /// Events that the receiver may have got twice.
        package internal(set) var possibleRepeats = 0

        package static func == (left: Outcome, right: Outcome) -> Bool {
            left.delivered == right.delivered && left.refused.map(\.index) == right.refused.map(\.index)
                && left.refused.map(\.reason) == right.refused.map(\.reason) && left.gaveUp == right.gaveUp
                && left.possibleRepeats == right.possibleRepeats
        }
    }

    /// A run of events that is sent together.
    private struct Piece {
        var batch: EventBatch
        var indexes: [Int]

        func slice(_ range: Range<Int>) -> Piece {
            Piece(batch: batch.slice(range), indexes: Array(indexes[range]))
        }
    }

    private let name: String
    private let sink: any Sink
    private let patience: Duration
    private let clock: any Clock<Duration>
    private let log: LogFunction
    private var breaker: Breaker
    private var generator = SystemRandomNumberGenerator()
    /// Pauses since the last success.
    private var waited = Duration.zero
    private var lastSaid: String?

    /// - Parameters:
    ///   - retry: as configured for the sink.
    ///   - patience: how much waiting without a success is enough.
    package init(
        name: String, sink: any Sink, retry: Backoff = Backoff(), patience: Duration,
        clock: any Clock<Duration> = ContinuousClock(), log: @escaping LogFunction
    ) {
        self.name = name
        self.sink = sink
        self.patience = patience
        self.clock = clock
        self.log = log
        breaker = Breaker(retry: retry, hold: retry)
    }

    /// Opens the sink, however often that takes.
    /// - Returns: why it was given up; `nil` when it is open.
    package mutating func open() async -> Reason? {
        while true {
            do throws(SinkError) {
                try await sink.open(nil)
                succeeded()
                return nil
            } catch {
                guard await pause(.retry(atLeast: nil), error.reason) else { return error.reason }
            }
        }
    }

    package func close() async { await sink.close() }

    /// Sends a batch until something has become of each event, and makes sure of what was delivered.
    package mutating func send(_ batch: EventBatch) async -> Outcome {
        var outcome = Outcome()
        var pieces = [Piece(batch: batch, indexes: Array(0..<batch.count))]
        while let piece = pieces.first {
            if piece.indexes.isEmpty {
                pieces.removeFirst()
                continue
            }
            switch await decide(piece) {
            case .done:
                succeeded()
                outcome.delivered += piece.indexes
                pieces.removeFirst()
            case .commitPrefix(let count):
                succeeded()
                outcome.delivered += piece.indexes[..<count]
                pieces[0] = piece.slice(count..<piece.indexes.count)
                if let reason = await makeSure() { return giveUp(&outcome, reason, isSure: false) }
            case .isolate(let before, let reason):
                succeeded()
                outcome.delivered += piece.indexes[..<before]
                outcome.refused.append((piece.indexes[before], reason))
                pieces[0] = piece.slice(before + 1..<piece.indexes.count)
            case .deadLetter(let reason):
                succeeded()
                outcome.refused.append((piece.indexes[0], reason))
                pieces.removeFirst()
            case .split(let before, _):
                pieces.replaceSubrange(
                    0...0, with: [piece.slice(0..<before), piece.slice(before..<piece.indexes.count)])
            case .halve:
                let middle = piece.indexes.count / 2
                pieces.replaceSubrange(
                    0...0, with: [piece.slice(0..<middle), piece.slice(middle..<piece.indexes.count)])
            case .wait(let kind, let reason):
                if reason.mayRepeat { outcome.possibleRepeats += piece.indexes.count }
                guard await pause(kind, reason) else {
                    let unsure = await makeSure()
                    return giveUp(&outcome, reason, isSure: unsure == nil)
                }
            case .awaitProof: return outcome
            }
        }
        if let reason = await makeSure() { return giveUp(&outcome, reason, isSure: false) }
        return outcome
    }

    /// What to do now; a proof that is to come is awaited first.
    private func decide(_ piece: Piece) async -> NextAction {
        var outcome = await sink.send(piece.batch)
        while case .accepted(let receipt) = outcome { outcome = await sink.outcome(of: receipt) }
        return NextAction.after(outcome, count: piece.indexes.count)
    }

    /// Until the sink has made durable what it took, nothing counts as delivered.
    private func makeSure() async -> Reason? {
        do throws(SinkError) {
            _ = try await sink.commitPoint()
            await sink.committed()
            return nil
        } catch {
            return error.reason
        }
    }

    /// What was taken before may be durable or not; what is told as delivered is.
    private func giveUp(_ outcome: inout Outcome, _ reason: Reason, isSure: Bool = true) -> Outcome {
        if !isSure {
            outcome.possibleRepeats += outcome.delivered.count
            outcome.delivered = []
        }
        outcome.gaveUp = reason
        return outcome
    }

    private mutating func succeeded() {
        if lastSaid != nil { log(.info, "sink \(name): working again") }
        lastSaid = nil
        waited = .zero
        breaker.succeeded()
    }

    /// - Returns: `false` when it is time to give up.
    private mutating func pause(_ kind: Pause, _ reason: Reason) async -> Bool {
        breaker.probe()
        let duration = breaker.failed(kind, using: &generator) ?? Backoff.shortest
        guard !Task.isCancelled, waited + duration <= patience else { return false }
        waited += duration
        if lastSaid != reason.label {
            log(.warning, "sink \(name): \(reason); trying again in \(Delivery.rounded(duration))")
        }
        lastSaid = reason.label
        do { try await Task.sleep(for: duration, clock: clock) } catch { return false }
        return true
    }
}
