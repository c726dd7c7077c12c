import ConnlogDaemon
import UnixSignals

/// Ctrl-C and SIGTERM: a command ends what it is doing in good order.
enum Interruption {
    /// Runs `body`; a signal cancels its task, and a second one ends the process.
    static func stopping<Value: Sendable>(
        _ body: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        let work = Task { try await body() }
        let signals = await UnixSignalsSequence(trapping: .sigint, .sigterm)
        let watching = Task {
            var isSecond = false
            for await _ in signals {
                if isSecond { Terminal.exit(ExitStatus.failed.rawValue) }
                isSecond = true
                Terminal.writeError("connlog: stopping; once more ends it at once\n")
                work.cancel()
            }
        }
        defer { watching.cancel() }
        return try await work.value
    }
}
