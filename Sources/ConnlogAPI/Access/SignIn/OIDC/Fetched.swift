#if Server
import Synchronization

/// Why an issuer did not give what it was asked for: a sentence for connlog's own log.
struct IssuerTrouble: Error, Sendable, Equatable, CustomStringConvertible {
    let description: String
    /// Whoever wanted to know waits no longer, so nothing is to be told.
    var isAbandoned = false

    static let abandoned = IssuerTrouble(description: "nobody waits for it any more", isAbandoned: true)
}

/// Something that is fetched when it is wanted, by one at a time, and kept for a while.
///
/// After each try, good or bad, there is a pause before the next, whoever wants it. When a try fails, what was had before
/// is good for an hour yet. Whoever is cancelled waits no longer; what was begun goes on.
final class Fetched<Value: Sendable>: Sendable {
    private struct State {
        var value: Value?
        var got: ContinuousClock.Instant?
        var tried: ContinuousClock.Instant?
        var trouble: IssuerTrouble?
        var flight: Flight<Result<Value, IssuerTrouble>>?
    }

    /// Between two tries.
    static var pause: Duration { .seconds(10) }
    /// After a try that failed.
    static var troublePause: Duration { .seconds(5) }
    static var keptFor: Duration { .seconds(3600) }

    private let state = Mutex(State())
    private let clock: @Sendable () -> ContinuousClock.Instant
    private let fetch: @Sendable () async throws(IssuerTrouble) -> Value

    init(
        clock: @escaping @Sendable () -> ContinuousClock.Instant,
        _ fetch: @escaping @Sendable () async throws(IssuerTrouble) -> Value
    ) {
        self.clock = clock
        self.fetch = fetch
    }

    private enum Step {
        case done(Result<Value, IssuerTrouble>)
        case wait(Flight<Result<Value, IssuerTrouble>>)
    }

    /// - Parameter isGood: whether what is kept, which is so old, is what is wanted; asked once.
    func value(_ isGood: (Value, Duration) -> Bool) async throws(IssuerTrouble) -> Value {
        let now = clock()
        let step = state.withLock { state -> Step in
            let kept = state.value.flatMap { value in state.got.map { (value, now - $0) } }
            if let kept, isGood(kept.0, kept.1) { return .done(.success(kept.0)) }
            if let flight = state.flight { return .wait(flight) }
            let pause = state.trouble == nil ? Self.pause : Self.troublePause
            if let tried = state.tried, now - tried < pause { return .done(Self.outcome(state, now)) }
            let flight = Flight<Result<Value, IssuerTrouble>>()
            state.flight = flight
            Task { flight.land(await self.get()) }
            return .wait(flight)
        }
        switch step {
        case .done(let result): return try result.get()
        case .wait(let flight):
            guard let result = await flight.value() else { throw .abandoned }
            return try result.get()
        }
    }

    private static func outcome(_ state: State, _ now: ContinuousClock.Instant) -> Result<Value, IssuerTrouble> {
        if let value = state.value, let got = state.got, now - got < keptFor { return .success(value) }
        return .failure(state.trouble ?? IssuerTrouble(description: "it has said nothing yet"))
    }

    private func get() async -> Result<Value, IssuerTrouble> {
        let result: Result<Value, IssuerTrouble>
        do throws(IssuerTrouble) { result = .success(try await fetch()) } catch { result = .failure(error) }
        let now = clock()
        return state.withLock { state in
            state.flight = nil
            state.tried = now
            switch result {
            case .success(let value): (state.value, state.got, state.trouble) = (value, now, nil)
            case .failure(let trouble): state.trouble = trouble
            }
            return Self.outcome(state, now)
        }
    }
}
#endif
