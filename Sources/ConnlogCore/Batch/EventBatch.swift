public import ConnlogSystem

/// Events on their way. Each record is one slog JSON line of a connection event, without its line feed.
public typealias EventBatch = RecordBatch

extension RecordBatch {
    /// The line of the event at `index`, from 0. Allocates: for sinks that need not be fast.
    public func line(_ index: Int) -> String { bytes.text(records[index].range) }

    /// The event at `index`, from 0, in full; `nil` if the record is none. Allocates: for sinks that need not be fast.
    public func event(_ index: Int) -> ConnectionEvent? { ConnectionEvent(line: line(index)) }
}
