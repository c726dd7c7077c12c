package import ConnlogQueue
import ConnlogSystem

/// A queue on disk, looked at from outside.
package struct QueueLocation: Sendable {
    package let directory: String

    /// - Parameter dataDirectory: `data_dir`.
    package init(dataDirectory: String) { directory = dataDirectory + "/queue" }

    /// The process that has the queue open, as far as that can be seen.
    package var holder: Int32? { LockTable.holder(of: directory + "/lock") }

    /// Whether there is one.
    var exists: Bool { (try? LocalFileSystem().list(directory)) != nil }

    /// Looks at it, without its lock and without changing anything.
    package func snapshot() throws(ToolError) -> QueueSnapshot {
        do throws(QueueError) {
            return try QueueSnapshot.take(directory)
        } catch {
            if case .system(let reason) = error, reason.code == Errno.notFound {
                throw ToolError("\(directory) does not exist; is data_dir right, and has connlog run with it yet?")
            }
            throw ToolError(error)
        }
    }
}

extension QueueSnapshot {
    /// The offset before which a sink has everything.
    package func committedOffset(of name: String) throws(ToolError) -> UInt64 { try sink(name).committed }

    /// What it says about one sink.
    package func sink(_ sink: String) throws(ToolError) -> Sink {
        if let found = sinks.first(where: { $0.name == sink }) { return found }
        let known = sinks.map(\.name).joined(separator: ", ")
        throw .usage("the queue knows no sink '\(sink)'; it knows \(known.isEmpty ? "none" : known)")
    }
}
