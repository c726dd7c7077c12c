import ConnlogSystem

/// How much of the processor each thread of this process has used, as the kernel tells it.
package struct ThreadTimes: Sendable {
    package struct Reading: Sendable, Equatable {
        let name: String
        /// Processor time so far.
        package let used: Duration
    }

    /// By the thread's number.
    package var readings: [Int: Reading] = [:]

    /// Of this process, now. Threads that end meanwhile are left out; without `/proc` there are none.
    package static func now() -> ThreadTimes {
        var times = ThreadTimes()
        let folder = "/proc/self/task"
        var bytes = ByteBuffer()
        for name in (try? LocalFileSystem().list(folder)) ?? [] {
            guard let number = Int(name), let file = try? LocalFile.openForReading("\(folder)/\(name)/stat") else {
                continue
            }
            bytes.removeAll()
            guard let got = try? file.read(into: &bytes, at: 0, count: 4096), got > 0 else { continue }
            times.readings[number] = reading(bytes.text)
        }
        return times
    }

    /// Linux counts the time that it shows in ticks of a hundredth of a second, whatever it counts inside.
    private static let tick = Duration.milliseconds(10)

    /// A line such as `4711 (sink siem) R 1 4711 ...`; the name may hold blanks and brackets. The 14th and 15th words are
    /// the time in the program and in the kernel.
    static func reading(_ line: String) -> Reading? {
        guard let open = line.firstIndex(of: "("), let close = line.lastIndex(of: ")"), open < close else { return nil }
        let words = line[line.index(after: close)...].split(separator: " ")
        guard words.count > 12, let user = Int64(words[11]), let system = Int64(words[12]) else { return nil }
        let ticks = user.addingReportingOverflow(system)
        guard !ticks.overflow, ticks.partialValue >= 0, ticks.partialValue < 1 << 48 else { return nil }
        return Reading(
            name: String(line[line.index(after: open)..<close]), used: tick * Int(ticks.partialValue))
    }
}

/// Finds threads that use a processor and get nothing done.
///
/// What a thread gets done, its part's steps tell: a sink's delivery, a source and the queue have threads named after
/// them. Of all other threads it is only known whether anything in the process gets on.
struct SpinJudge {
    /// How much of one processor counts as all of it: others want some too.
    let share: Double

    init(share: Double = 0.9) { self.share = share }

    private struct Memory {
        var used: Duration
        var steps: UInt64
        var since: Duration
        /// Counts how often the steps had to be begun anew, so that the pulse has a number to compare.
        var turns: UInt64 = 0
    }

    private var memories: [Int: Memory] = [:]

    /// What the kernel keeps of a thread's name.
    static let nameBytesMax = 15

    /// A pulse for each thread that has used its share since it last got something done.
    mutating func pulses(_ times: ThreadTimes, _ parts: [Pulse], now: Duration, limit: Duration) -> [Pulse] {
        memories = memories.filter { times.readings[$0.key] != nil }
        return times.readings.sorted { $0.key < $1.key }.map { number, reading in
            let steps = SpinJudge.steps(of: reading.name, parts)
            let memory = memories[number] ?? Memory(used: reading.used, steps: steps, since: now)
            let (used, lasted) = (reading.used - memory.used, now - memory.since)
            // One idle second in thirty is enough to be believed.
            let isBusy = lasted == .zero || used >= lasted * share
            if memory.steps != steps || !isBusy {
                memories[number] = Memory(used: reading.used, steps: steps, since: now, turns: memory.turns + 1)
            } else {
                memories[number] = memory
            }
            let hasUsed = used > .zero && memory.steps == steps && isBusy
            return Pulse(
                part: Pulse.Part(kind: .thread, name: "\(reading.name) (\(number))"),
                steps: memories[number]?.turns ?? 0,
                waitsFor: hasUsed ? "it has kept a processor busy all the time and nothing came of it" : nil,
                limit: limit)
        }
    }

    private static func steps(of thread: String, _ parts: [Pulse]) -> UInt64 {
        let own = parts.filter { pulse in
            let name = "\(pulse.part.kind.rawValue) \(pulse.part.name)"
            switch pulse.part.kind {
            case .sink, .source: return cut(name) == thread
            case .queue: return thread == "queue"
            case .monitor: return thread == "monitor"
            case .probe: return thread == "unread"
            case .pool, .thread, .reading: return false
            }
        }
        // The monitor and the pool get on whatever the others do.
        let counted = own.isEmpty ? parts.filter { [.sink, .source, .queue].contains($0.part.kind) } : own
        return counted.reduce(0) { $0 &+ $1.steps }
    }

    private static func cut(_ name: String) -> String {
        String(decoding: name.utf8.prefix(nameBytesMax), as: UTF8.self)
    }
}
