/// One part of the daemon as the watchdog sees it at one moment.
struct Pulse: Sendable {
    /// What is watched over.
    struct Part: Hashable, Sendable, CustomStringConvertible {
        enum Kind: String, Sendable, CaseIterable {
            case sink, source, reading, queue, monitor, pool, probe, thread

            /// Another process may get on where this one hangs. Not with input that is left alone, such as a file that
            /// cannot be read, nor with a file system that does not answer a look: there all else works, and would only
            /// be held up by a restart.
            var isMendedByRestart: Bool { self != .reading && self != .probe }
        }

        let kind: Kind
        var name = ""

        var description: String {
            switch kind {
            case .sink, .source, .thread: "\(kind.rawValue) \(name)"
            case .reading: "reading of source \(name)"
            case .queue: "queue"
            case .monitor: "the monitor"
            case .pool: "Swift's pool"
            case .probe: "the look for unread input"
            }
        }
    }

    let part: Part
    /// Another number whenever it has got on with something.
    let steps: UInt64
    /// What it would be waiting for if it got on with nothing; `nil` while it has nothing to do or waits rightly.
    let waitsFor: String?
    /// How long that may last.
    let limit: Duration
}

/// A part that does not get on.
struct Stuck: Sendable, Equatable {
    /// How long it has not got on, when that was last looked at.
    var lasted: Duration
    /// What it waits for, for people.
    var waitsFor: String
}

/// Decides which parts are stuck, from what they looked like each time. Knows nothing of clocks and threads.
struct StuckJudge {
    /// What has changed since the last look.
    enum Change: Sendable, Equatable {
        case began(Pulse.Part, Stuck)
        case ended(Pulse.Part, Stuck)
    }

    private struct Memory {
        var steps: UInt64
        var since: Duration
        var stuck: Stuck?
    }

    private var memories: [Pulse.Part: Memory] = [:]

    /// Those that are stuck now.
    var stuck: [Pulse.Part: Stuck] { memories.compactMapValues(\.stuck) }

    /// - Parameter now: how long it has been watched; only time in which the parts could have got on counts.
    mutating func judge(_ pulses: [Pulse], now: Duration) -> [Change] {
        var changes: [Change] = []
        var seen: Set<Pulse.Part> = []
        for pulse in pulses {
            seen.insert(pulse.part)
            if let change = judge(pulse, now) { changes.append(change) }
        }
        for (part, memory) in memories where !seen.contains(part) {
            memories[part] = nil
            if let stuck = memory.stuck { changes.append(.ended(part, stuck)) }
        }
        return changes
    }

    private mutating func judge(_ pulse: Pulse, _ now: Duration) -> Change? {
        let memory = memories[pulse.part]
        guard let memory, memory.steps == pulse.steps, let waitsFor = pulse.waitsFor else {
            memories[pulse.part] = Memory(steps: pulse.steps, since: now)
            return memory?.stuck.map { .ended(pulse.part, $0) }
        }
        let lasted = now - memory.since
        guard lasted >= pulse.limit else { return nil }
        let stuck = Stuck(lasted: lasted, waitsFor: waitsFor)
        memories[pulse.part]?.stuck = stuck
        return memory.stuck == nil ? .began(pulse.part, stuck) : nil
    }
}
