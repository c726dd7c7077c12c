import ConnlogConfig
import ConnlogCore
import ConnlogSystem
import ConnlogTestSupport
import Foundation
import Synchronization
import Testing

@testable import ConnlogSinks

/// A Splunk sink with one or more servers, a clock of its own, and what it said.
final class HECFixture: Sendable {
    static let token = "00000000-1111-4222-8333-444444444444"
    let sink: SplunkHECSink
    private let said: Said
    /// Jumps to the end of every sleep, but not while something is on its way: nothing times out that only takes long.
    private let time: Time

    /// - Parameter sleeps: whether a sleep ever ends; if not, nothing is polled and nothing times out.
    init(_ urls: [String], sleeps: Bool = true, _ change: (inout SplunkHECSink.Settings) -> Void = { _ in }) throws {
        var http = HTTPSettings(userAgent: "connlog/test")
        http.proxy = .none
        // However slow the machine is, connections are kept.
        http.connectionIdle = .seconds(3600)
        http.connectionAge = .seconds(3600)
        var settings = SplunkHECSink.Settings(
            endpoints: try urls.map { try HECEndpoint($0) }, token: SecretReference(literal: HECFixture.token),
            http: http)
        settings.timeout = .seconds(60)
        change(&settings)
        let (said, time, traffic) = (Said(), Time(), Traffic())
        self.said = said
        self.time = time
        let clock = HECClock(
            elapsed: { time.now },
            sleep: { duration in
                if sleeps {
                    while traffic.isOn, !Task.isCancelled { await Task.yield() }
                    time.advance(by: duration)
                    await Task.yield()
                } else {
                    let (forever, hold) = AsyncStream<Void>.makeStream()
                    for await _ in forever {}
                    hold.finish()
                }
            })
        sink = SplunkHECSink(settings, log: { _, text in said.add(text) }, clock: clock)
        traffic.look(at: sink)
    }

    var words: [String] { said.all }
    func advance(by duration: Duration) { time.advance(by: duration) }

    private final class Said: Sendable {
        private let texts = Mutex<[String]>([])
        func add(_ text: String) { texts.withLock { $0.append(text) } }
        var all: [String] { texts.withLock { $0 } }
    }

    private final class Traffic: Sendable {
        private struct Reference { weak var sink: SplunkHECSink? }
        private let reference = Mutex(Reference())
        func look(at sink: SplunkHECSink) { reference.withLock { $0.sink = sink } }
        var isOn: Bool {
            reference.withLock { $0.sink }?.state.withLock { $0.tallies.contains { $0.underWay > 0 } } == true
        }
    }

    private final class Time: Sendable {
        private let elapsed = Mutex(Duration.zero)
        var now: Duration { elapsed.withLock { $0 } }
        func advance(by duration: Duration) { elapsed.withLock { $0 += duration } }
    }

    /// Events with the ids `e0`, `e1`, ...
    static func batch(_ range: Range<Int>, filling: Int = 0) -> EventBatch {
        var batch = EventBatch()
        for number in range {
            let line =
                #"{"ts":"2025-07-03T05:09:41Z","level":"INFO","msg":"connection_log","caller":"a.go:1","func":"f","#
                + #""fields":{"ID":"e\#(number)","Type":"ssh","ConnectionStatus":"connected","#
                + #""Time":"2025-07-03T05:09:41Z","UserAgent":"\#(String(repeating: "x", count: filling))"}}"#
            batch.append(Array(line.utf8).span)
        }
        return batch
    }
}

extension HECServer {
    /// Of the events that are indexed, in order.
    var ids: [String] { events.map { $0.field("event_id") ?? "?" } }

    /// What every test requires in the end.
    func expectClean(_ location: SourceLocation = #_sourceLocation) {
        #expect(lostObjects == 0, sourceLocation: location)
        #expect(violations == [], sourceLocation: location)
    }
}

extension SendOutcome {
    var word: String {
        switch self {
        case .delivered: "delivered"
        case .deliveredPrefix(let count): "prefix \(count)"
        case .accepted: "accepted"
        case .retry: "retry"
        case .hold: "hold"
        case .rejected(let place, _): "rejected \(place.map(String.init) ?? "?")"
        case .rejectedUnproven(let place, _): "unproven \(place)"
        case .tooLarge: "tooLarge"
        }
    }

    var reason: Reason? {
        switch self {
        case .retry(_, let reason), .hold(let reason), .rejected(_, let reason), .tooLarge(let reason),
            .rejectedUnproven(_, let reason):
            reason
        default: nil
        }
    }
}
