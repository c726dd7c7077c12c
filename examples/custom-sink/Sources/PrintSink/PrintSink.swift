import Connlog

/// Prints a line for each event: when, who, what kind of connection, which workspace.
///
/// All that a sink needs is `send`: waiting, trying again, batches, and what was delivered are the pipeline's.
public struct PrintSink: Sink {
    /// One batch after another, since lines of two at once would be mixed.
    public let limits = BatchLimits(events: 1000, inFlight: 1)
    private let write: @Sendable (String) throws -> Void

    /// - Parameter write: takes the text; standard output as a rule.
    public init(_ write: @escaping @Sendable (String) throws -> Void = { print($0, terminator: "") }) {
        self.write = write
    }

    /// Prints the lines of a batch in one write.
    public func send(_ batch: EventBatch) async -> SendOutcome {
        var text = ""
        for index in 0..<batch.count {
            // Poison would come again for ever: it goes to the dead letters, and the rest goes on.
            guard let event = batch.event(index) else {
                return .rejected(at: index, Reason("no_event", "a record is no connection event"))
            }
            text += PrintSink.line(event)
        }
        do {
            try write(text)
            return .delivered
        } catch {
            return .retry(Reason("cannot_write", "the lines cannot be written: \(error)"))
        }
    }

    /// As this sink shows an event.
    public static func line(_ event: ConnectionEvent) -> String {
        let what = "\(event.typeText ?? "unknown") \(event.status?.rawValue ?? "")"
        let workspace = "\(event.workspaceName ?? "?").\(event.agentName ?? "?")"
        // Names are chosen by others, so nothing in them may act on a terminal.
        return TerminalText.line("\(what) \(workspace) from \(event.ip ?? "?")") + "\n"
    }
}
