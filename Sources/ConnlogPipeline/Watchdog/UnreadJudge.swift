import ConnlogCore

/// Finds sources that go round and do not read what there is: of each, the input that it has left alone for longest.
struct UnreadJudge {
    private struct Memory {
        var place: UInt64
        var since: Duration
    }

    private struct Key: Hashable {
        let source: String
        let subject: String
    }

    private var memories: [Key: Memory] = [:]
    private var rounds: UInt64 = 0
    private var heard: Duration = .zero

    /// - Parameters:
    ///   - patience: an answer that is older is none, since the source may have got on meanwhile.
    ///   - mayRead: while the queue takes nothing, nobody reads, and its own state says so.
    mutating func pulses(
        _ finding: UnreadProbe.Finding, now: Duration, limit: Duration, patience: Duration, mayRead: Bool
    ) -> [Pulse] {
        if finding.rounds != rounds {
            rounds = finding.rounds
            heard = now
            remember(finding, now)
        }
        let isKnown = mayRead && now - heard <= patience
        if !isKnown { memories = [:] }
        return finding.unread.keys.sorted().map { source in
            let all = finding.unread[source] ?? []
            let oldest = all.compactMap { unread in
                memories[Key(source: source, subject: unread.subject)].map { (unread: unread, since: $0.since) }
            }.min { ($0.since, $0.unread.subject) < ($1.since, $1.unread.subject) }
            return Pulse(
                part: Pulse.Part(kind: .reading, name: source),
                steps: UInt64(truncatingIfNeeded: oldest?.since.nanoseconds ?? 0),
                waitsFor: oldest.map { UnreadJudge.words($0.unread) }, limit: limit)
        }
    }

    private mutating func remember(_ finding: UnreadProbe.Finding, _ now: Duration) {
        var new: [Key: Memory] = [:]
        for (source, all) in finding.unread {
            for unread in all {
                let key = Key(source: source, subject: unread.subject)
                let memory = memories[key]
                new[key] = memory?.place == unread.place ? memory : Memory(place: unread.place, since: now)
            }
        }
        memories = new
    }

    private static func words(_ unread: Unread) -> String {
        let what = unread.bytes.map { Quantity.count($0, "byte") } ?? "something"
        return "it comes round and does not read: \(unread.subject) has \(what) more"
    }
}

extension Duration {
    fileprivate var nanoseconds: Int64 {
        components.seconds &* 1_000_000_000 &+ components.attoseconds / 1_000_000_000
    }
}
