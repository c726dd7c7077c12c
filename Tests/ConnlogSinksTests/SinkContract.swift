import ConnlogCore
import ConnlogSystem
import Testing

/// A sink under test and a look at what its receiver has.
struct ContractSubject: Sendable {
    let sink: any Sink
    /// The records at the receiver, in its order, as text; one for each event.
    let received: @Sendable () async throws -> [String]
    /// Makes the receiver fail, and work again; `nil` where that cannot be done.
    let setFailing: (@Sendable (Bool) -> Void)?
    /// A record and what it looks like at the receiver.
    let record: @Sendable (Int) -> (bytes: [UInt8], received: String)
}

/// What every sink promises; call it from a test of that sink with a fresh subject for each run.
enum SinkContract {
    static func check(_ make: () async throws -> ContractSubject) async throws {
        try await deliveredIsThere(try await make())
        try await emptyBatchIsDelivered(try await make())
        try await failureRepeatsNothing(try await make())
        try await closeTwice(try await make())
    }

    /// `delivered`, or an accepted receipt with its proof, means that the receiver has it, in order, once.
    private static func deliveredIsThere(_ subject: ContractSubject) async throws {
        try await subject.sink.open(nil)
        for start in stride(from: 0, to: 30, by: 10) { #expect(await send(subject, start..<start + 10) == 10) }
        _ = try await subject.sink.commitPoint()
        await subject.sink.committed()
        #expect(try await subject.received() == (0..<30).map { subject.record($0).received })
        await subject.sink.close()
    }

    private static func emptyBatchIsDelivered(_ subject: ContractSubject) async throws {
        try await subject.sink.open(nil)
        #expect(await subject.sink.send(EventBatch()) == .delivered)
        #expect(try await subject.received() == [])
        await subject.sink.close()
    }

    /// A receiver that fails gives `retry` or `hold`; the same batch later is there once.
    private static func failureRepeatsNothing(_ subject: ContractSubject) async throws {
        guard let setFailing = subject.setFailing else { return }
        try await subject.sink.open(nil)
        #expect(await send(subject, 0..<5) == 5)
        setFailing(true)
        #expect(await send(subject, 5..<9) == 0)
        setFailing(false)
        #expect(await send(subject, 5..<9) == 4)
        #expect(try await subject.received() == (0..<9).map { subject.record($0).received })
        await subject.sink.close()
    }

    private static func closeTwice(_ subject: ContractSubject) async throws {
        try await subject.sink.open(nil)
        await subject.sink.reopen()
        #expect(await send(subject, 0..<1) == 1)
        await subject.sink.close()
        await subject.sink.close()
    }

    /// Sends once and says how many events the receiver has of it.
    private static func send(_ subject: ContractSubject, _ numbers: Range<Int>) async -> Int {
        var batch = EventBatch()
        for number in numbers {
            let bytes = subject.record(number).bytes
            batch.append(bytes.span)
        }
        var outcome = await subject.sink.send(batch)
        if case .accepted(let receipt) = outcome { outcome = await subject.sink.outcome(of: receipt) }
        switch outcome {
        case .delivered: return numbers.count
        case .deliveredPrefix(let count): return count
        case .retry(_, let reason), .hold(let reason):
            #expect(!reason.label.isEmpty && reason.text.count > 20)
            return 0
        case .accepted, .rejected, .rejectedUnproven, .tooLarge:
            Issue.record("\(outcome)")
            return 0
        }
    }
}
