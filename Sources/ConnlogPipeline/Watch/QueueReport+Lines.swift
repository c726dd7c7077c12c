import ConnlogCore
import ConnlogQueue

extension QueueReport {
    /// What opening the queue found, for the log.
    /// - Parameter sinks: the configured ones.
    func lines(sinks configured: [String]) -> [(LogLevel, String)] {
        var lines: [(LogLevel, String)] = damage.map { (.error, "queue: \($0)") }
        if refusedReads > 0 {
            lines.append(
                (
                    .warning,
                    "queue: the disk refused \(Quantity.count(refusedReads, "read")) (input/output error) while the queue was "
                        + "opened, and was asked again; look at the kernel's log"
                ))
        }
        if tornBytes > 0 {
            lines.append(
                (
                    .info,
                    "queue: an unfinished last write of \(tornBytes) bytes was cut off; nobody was told it was safe"
                ))
        }
        if offsetsLost {
            lines.append(
                (.error, "queue: the offsets of the sinks could not be read, so every event in the queue is sent again")
            )
        }
        if missingEvents > 0 {
            lines.append(
                (.error, "queue: \(missingEvents) events are missing on the disk; the queue goes on after them"))
        }
        for orphan in Set(sinks).subtracting(configured).sorted() {
            lines.append(
                (
                    .warning,
                    "queue: sink '\(orphan)' is not configured any more and still holds its events in the queue; "
                        + "'connlog queue forget-sink \(orphan)' lets go of them"
                )
            )
        }
        return lines
    }
}
