public import ConnlogCore
import ConnlogSystem

/// What every sink promises, tried on one: for a test of it, with whatever test library.
///
///     @Test func `the sink keeps what every sink promises`() async throws {
///         let broken = try await SinkContract.broken { try await ContractSubject(...) }
///         #expect(broken == [])
///     }
public enum SinkContract {
    /// Tries every promise, each on a sink of its own.
    /// - Parameter make: makes a fresh sink with a fresh receiver, not opened yet.
    /// - Returns: a sentence for each promise that is broken; none for a sink that keeps them all.
    /// - Throws: what making a subject, opening its sink or looking at its receiver throws.
    public static func broken(_ make: () async throws -> ContractSubject) async throws -> [String] {
        var run = ContractRun()
        try await run.deliveredIsThere(try await make())
        try await run.emptyBatchIsDelivered(try await make())
        try await run.failureRepeatsNothing(try await make())
        try await run.closeTwice(try await make())
        return run.broken
    }
}

/// A sink under test and a look at what its receiver has.
public struct ContractSubject: Sendable {
    /// The sink that is tried.
    public let sink: any Sink
    /// The records at the receiver, in its order, as text; one for each event.
    public let received: @Sendable () async throws -> [String]
    /// Makes the receiver fail, and work again; `nil` where that cannot be done.
    public let setFailing: (@Sendable (Bool) -> Void)?
    /// A record and what it looks like at the receiver, for each number.
    public let record: @Sendable (Int) -> (bytes: [UInt8], received: String)

    /// - Parameters:
    ///   - sink: the sink that is tried, new and not opened.
    ///   - received: what its receiver has, an event each, in order.
    ///   - setFailing: makes the receiver refuse; `nil` for one that cannot.
    ///   - record: the record with a number, and how `received` shows it.
    public init(
        sink: any Sink, received: @escaping @Sendable () async throws -> [String],
        setFailing: (@Sendable (Bool) -> Void)? = nil,
        record: @escaping @Sendable (Int) -> (bytes: [UInt8], received: String)
    ) {
        self.sink = sink
        self.received = received
        self.setFailing = setFailing
        self.record = record
    }
}

/// The promises one by one, and those found broken.
private struct ContractRun {
    var broken: [String] = []

    private mutating func expect(_ isKept: Bool, _ words: @autoclosure () -> String) {
        if !isKept { broken.append(words()) }
    }

    private mutating func expect(_ received: [String], are expected: [String], after what: String) {
        guard received != expected else { return }
        let place = zip(received, expected).enumerated().first { $0.element.0 != $0.element.1 }?.offset
        let first = place.map { "the first that differs is number \($0): \(received[$0])" } ?? "the others are right"
        broken.append("after \(what) the receiver has \(received.count) records, not \(expected.count); \(first)")
    }

    /// `delivered`, or an accepted receipt with its proof, means that the receiver has it, in order, once.
    mutating func deliveredIsThere(_ subject: ContractSubject) async throws {
        try await subject.sink.open(nil)
        for start in stride(from: 0, to: 30, by: 10) { await send(subject, start..<start + 10, delivers: 10) }
        _ = try await subject.sink.commitPoint()
        await subject.sink.committed()
        let expected = (0..<30).map { subject.record($0).received }
        expect(try await subject.received(), are: expected, after: "three batches that were delivered")
        await subject.sink.close()
    }

    mutating func emptyBatchIsDelivered(_ subject: ContractSubject) async throws {
        try await subject.sink.open(nil)
        let outcome = await subject.sink.send(EventBatch())
        expect(outcome == .delivered, "an empty batch is delivered, and not \(outcome)")
        expect(try await subject.received(), are: [], after: "an empty batch")
        await subject.sink.close()
    }

    /// A receiver that fails gives `retry` or `hold`; the same batch later is there once.
    mutating func failureRepeatsNothing(_ subject: ContractSubject) async throws {
        guard let setFailing = subject.setFailing else { return }
        try await subject.sink.open(nil)
        await send(subject, 0..<5, delivers: 5)
        setFailing(true)
        await send(subject, 5..<9, delivers: 0)
        setFailing(false)
        await send(subject, 5..<9, delivers: 4)
        let expected = (0..<9).map { subject.record($0).received }
        expect(try await subject.received(), are: expected, after: "a failure, and the same batch again")
        await subject.sink.close()
    }

    mutating func closeTwice(_ subject: ContractSubject) async throws {
        try await subject.sink.open(nil)
        await subject.sink.reopen()
        await send(subject, 0..<1, delivers: 1)
        await subject.sink.close()
        await subject.sink.close()
    }

    /// Sends once, and looks at how many events the sink says that the receiver has of it.
    private mutating func send(_ subject: ContractSubject, _ numbers: Range<Int>, delivers expected: Int) async {
        var batch = EventBatch()
        for number in numbers {
            let bytes = subject.record(number).bytes
            batch.append(bytes.span)
        }
        var outcome = await subject.sink.send(batch)
        if case .accepted(let receipt) = outcome { outcome = await subject.sink.outcome(of: receipt) }
        let delivered: Int
        switch outcome {
        case .delivered: delivered = numbers.count
        case .deliveredPrefix(let count): delivered = count
        case .retry(_, let reason), .hold(let reason):
            delivered = 0
            expect(!reason.label.isEmpty, "a reason has a label for counters: \(reason.text)")
            expect(reason.text.count > 20, "a reason has a sentence for people, not '\(reason.text)'")
        case .accepted, .rejected, .rejectedUnproven, .tooLarge:
            delivered = 0
            expect(false, "the events \(numbers) are delivered or tried again, and not \(outcome)")
        }
        expect(
            delivered == expected,
            "\(expected) of the events \(numbers) are delivered, and not \(delivered): \(outcome)")
    }
}
