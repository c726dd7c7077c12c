import ConnlogCore
import ConnlogSystem
import ConnlogTestSupport
import Synchronization
import Testing

extension SinkContract {
    /// Each promise that is broken is a failure of the test.
    static func check(_ make: () async throws -> ContractSubject) async throws {
        let broken = try await broken(make)
        #expect(broken == [])
    }
}

/// The contract itself: it finds what is wrong with a sink, and nothing about one that is right.
@Suite struct SinkContractTests {
    enum Fault: CaseIterable { case none, loses, repeats, swapsOrder, failsForNoReason, refusesEmpty, speaksInLabels }

    /// A sink into memory with one fault.
    private final class Memory: Sink {
        let limits = BatchLimits()
        let fault: Fault
        let records = Mutex<[String]>([])
        let isFailing = Mutex(false)

        init(_ fault: Fault) { self.fault = fault }

        func send(_ batch: EventBatch) async -> SendOutcome {
            let new = (0..<batch.count).map { batch.line($0) }
            if isFailing.withLock({ $0 }) {
                if fault == .repeats { records.withLock { $0 += new } }
                let text = fault == .speaksInLabels ? "refused" : "memory refuses everything for the time being"
                return fault == .failsForNoReason ? .rejected(Reason("no", text)) : .retry(Reason("refused", text))
            }
            if new.isEmpty {
                return fault == .refusesEmpty ? .retry(Reason("empty", "there is nothing to send in it")) : .delivered
            }
            records.withLock { records in
                switch fault {
                case .loses: records += new.dropLast()
                case .swapsOrder: records += new.reversed()
                default: records += new
                }
            }
            return .delivered
        }
    }

    @Test(arguments: Fault.allCases) func `a broken promise is told, and a kept one is not`(fault: Fault) async throws {
        let broken = try await SinkContract.broken {
            let sink = Memory(fault)
            return ContractSubject(
                sink: sink, received: { sink.records.withLock { $0 } },
                setFailing: { isFailing in sink.isFailing.withLock { $0 = isFailing } },
                record: { (Array("event \($0)".utf8), "event \($0)") })
        }
        #expect(broken.isEmpty == (fault == .none), "\(broken)")
    }
}
