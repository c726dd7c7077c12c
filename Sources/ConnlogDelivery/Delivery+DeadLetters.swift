import ConnlogCore
import ConnlogSystem

/// Events that the receiver refuses for good.
extension Delivery {
    /// Writes one event to the dead letters and goes on after it; those before it were taken. What cannot be written is
    /// kept and tried again.
    func bury(_ index: Int, _ reason: Reason, flight: Int) {
        let part = window[flight].parts[0]
        let offset = part.offsets[index]
        update { $0.delivered += index }
        do throws(DeadLetters.Failure) {
            try deadLetters.write(part.batch.record(index), offset: offset, reason)
        } catch {
            window.change(flight) { $0.drop(index) }
            return keep(offset, reason, error)
        }
        succeeded(0, window[flight].begunAfter)
        let now = wallTime.now()
        update {
            $0.deadLetters[reason.label, default: 0] += 1
            if $0.refused.count < DeliveryStatus.refusedMax {
                $0.refused.append(.init(offset: offset, reason: reason.label))
            }
            $0.lastError = reason
            $0.lastErrorTime = now
        }
        tell(offset, reason)
        window.change(flight) { $0.drop(index + 1) }
    }

    private func keep(_ offset: UInt64, _ reason: Reason, _ failure: DeadLetters.Failure) {
        let what = "event \(offset) was refused (\(reason)) and cannot be put aside, so it is kept"
        switch failure {
        case .full(let bytes, let needed):
            let wayOut =
                needed > options.deadLetterBytesMax
                ? "it alone takes \(needed) bytes; make dead_letter_size larger"
                : "see 'connlog dead-letter list', then retry or drop some"
            pause(
                .hold,
                Reason(
                    "dead_letters_full",
                    "\(what): \(options.deadLetterDirectory) holds \(bytes) bytes, and dead_letter_size allows "
                        + "\(options.deadLetterBytesMax); \(wayOut)"))
        case .locked:
            let text = "\(what): somebody is rewriting the dead letters"
            pause(.retry(atLeast: nil), Reason("dead_letters_locked", text))
        case .system(let error):
            pause(.retry(atLeast: nil), Reason("dead_letter_unwritable", "\(what): \(error)"))
        }
    }

    private func tell(_ offset: UInt64, _ reason: Reason) {
        let folder = options.deadLetterDirectory
        if let more = deadLetterNews.take(reason, at: wallTime.uptime()) {
            let others = more == 0 ? "" : " (and \(more) more since this was last said)"
            log(.error, "sink \(name): event \(offset) was refused and put in \(folder)\(others): \(reason)")
        }
        if deadLetters.isHalfFull, deadLetterNews.sayHalfFull() {
            log(
                .warning,
                "sink \(name): \(folder) is more than half full; at dead_letter_size, \(options.deadLetterBytesMax) "
                    + "bytes, the sink stops sending: look at them with 'connlog dead-letter'")
        }
    }
}

/// What the log says of dead letters: the first of each reason at once, then how many more, once a minute.
struct DeadLetterNews {
    static let interval: Nanoseconds = 60_000_000_000

    private var said: [String: (time: Nanoseconds, unsaid: Int)] = [:]
    private var hasSaidHalfFull = false

    /// How many were not told since the last that was; `nil` when this one is not to be told.
    /// - Parameter now: by a clock that nobody sets (`WallTime.uptime`).
    mutating func take(_ reason: Reason, at now: Nanoseconds) -> Int? {
        guard let last = said[reason.label], now - last.time < DeadLetterNews.interval else {
            return said.updateValue((now, 0), forKey: reason.label)?.unsaid ?? 0
        }
        said[reason.label] = (last.time, last.unsaid + 1)
        return nil
    }

    /// Whether that has not been said yet.
    mutating func sayHalfFull() -> Bool {
        defer { hasSaidHalfFull = true }
        return !hasSaidHalfFull
    }
}
