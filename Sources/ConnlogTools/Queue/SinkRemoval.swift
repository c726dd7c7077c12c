import ConnlogCore
import ConnlogQueue
import ConnlogSystem

/// `connlog queue forget-sink`: lets go of what only this sink needed.
package struct SinkRemoval: Sendable {
    private let location: QueueLocation
    private let name: String
    private let configured: [String]?

    /// - Parameter configured: the sinks of the configuration; `nil` when it is not known.
    package init(_ name: String, at location: QueueLocation, configured: [String]?) {
        self.name = name
        self.location = location
        self.configured = configured
    }

    /// Forgets the sink.
    /// - Parameter isSure: also if there are events that it has not got.
    /// - Returns: what was done, for people.
    package func run(isSure: Bool) async throws(ToolError) -> String {
        if let configured, configured.contains(name) {
            throw .usage(
                "sink '\(name)' is in the configuration, so it would begin again with the oldest event; "
                    + "take its section out first")
        }
        let snapshot = try location.snapshot()
        let sink = try snapshot.sink(name)
        if sink.lag > 0, !isSure {
            throw .usage(
                "\(Quantity.count(sink.lag, "event")) would be given up that sink '\(name)' has not got; "
                    + "say --yes if that is meant")
        }
        do throws(QueueError) { try await forget() } catch { throw explained(error) }
        let held = Quantity.bytes(sink.heldBytes)
        let letters = (try? DeadLetterBox(sink: name, at: location).days().isEmpty) == false
        let rest = letters ? "its dead letters stay: connlog dead-letter list --sink \(name)\n" : ""
        return
            "sink '\(name)' is forgotten, and \(Quantity.count(sink.lag, "event")) that it had not got; up to \(held) "
            + "are free as soon as no other sink needs them\n" + rest
    }

    private func forget() async throws(QueueError) {
        _ = try await Queue.forgetSink(name, in: location.directory)
    }

    private func explained(_ error: QueueError) -> ToolError {
        guard case .locked = error else { return ToolError(error) }
        let process = location.holder.map { "process \($0)" } ?? "another connlog"
        return ToolError(
            "\(process) is at work on \(location.directory); take sink '\(name)' out of its configuration, stop it, "
                + "run this again, and start it")
    }
}
