internal import ConnlogSystem
import Synchronization

/// All sinks, what they have committed, and the file that remembers it.
///
/// Every call may block in a system call for as long as a sync takes. It holds a lock of its own and takes no other.
final class SinkTable: Sendable {
    struct Sink: Sendable {
        var entry: SinkEntry
        /// The greatest committed offset known to be on disk: what deleting goes by.
        var synced: UInt64
        /// The greatest offset that the sink itself committed; behind `committed` when events were dropped.
        var delivered: UInt64
        /// Registered since the queue was opened.
        var isRegistered = false
        var quota: Int?
        var onFull = OnFull.block

        init(_ entry: SinkEntry, synced: UInt64) {
            self.entry = entry
            self.synced = synced
            delivered = entry.committed
        }
    }

    private struct Table {
        var sinks: [Sink]
        var file: OffsetsFile

        var entries: [SinkEntry] { sinks.map(\.entry) }

        mutating func index(of name: String) -> Int? { sinks.firstIndex { $0.entry.name == name } }

        mutating func sync() throws(SystemError) {
            try file.sync(entries)
            for index in sinks.indices { sinks[index].synced = sinks[index].entry.committed }
        }
    }

    private let table: Mutex<Table>

    init(_ entries: [SinkEntry], _ file: OffsetsFile) {
        table = Mutex(Table(sinks: entries.map { Sink($0, synced: $0.committed) }, file: file))
    }

    var sinks: [Sink] { table.withLock { $0.sinks } }
    var bytesOnDisk: Int { table.withLock { $0.file.bytes } }
    var isDirty: Bool { table.withLock { $0.file.isDirty } }

    /// Deleting may go up to here; `nil` while there is no sink at all: then nothing is deleted.
    var syncedFloor: UInt64? { table.withLock { $0.sinks.map(\.synced).min() } }
    var committedFloor: UInt64? { table.withLock { $0.sinks.map(\.entry.committed).min() } }

    func committed(_ name: String) -> UInt64? {
        table.withLock { table in table.index(of: name).map { table.sinks[$0].entry.committed } }
    }

    func register(_ name: String, quota: Int?, onFull: OnFull, oldest: UInt64) throws(SystemError) -> SinkPosition {
        try table.withLock { table throws(SystemError) in
            let known = table.index(of: name)
            if known == nil {
                table.sinks.append(Sink(SinkEntry(name: name, committed: oldest), synced: oldest))
            }
            let index = known ?? table.sinks.count - 1
            table.sinks[index].isRegistered = true
            table.sinks[index].quota = quota
            table.sinks[index].onFull = onFull
            let entry = table.sinks[index].entry
            if known == nil { try table.file.write(table.entries) }
            return SinkPosition(offset: max(entry.committed, oldest), state: entry.state, isNew: known == nil)
        }
    }

    func retire(_ name: String) {
        table.withLock { table in
            guard let index = table.index(of: name) else { return }
            table.sinks[index].isRegistered = false
            table.sinks[index].quota = nil
            table.sinks[index].onFull = .block
        }
    }

    /// - Returns: whether that was news, or `nil` if there is no such sink.
    func commit(_ name: String, offset: UInt64, state: [UInt8]) throws(SystemError) -> Bool? {
        try table.withLock { table throws(SystemError) in
            guard let index = table.index(of: name) else { return nil }
            var sink = table.sinks[index]
            guard offset > sink.delivered || offset == sink.delivered && state != sink.entry.state else { return false }
            // Events were dropped ahead of the sink: what it delivered before is in its state all the same.
            sink.delivered = offset
            sink.entry.committed = max(offset, sink.entry.committed)
            sink.entry.state = state
            table.sinks[index] = sink
            try table.file.write(table.entries)
            return true
        }
    }

    /// Moves a sink forward over events that it will not get, and remembers how many.
    func drop(_ name: String, to offset: UInt64) throws(SystemError) -> UInt64 {
        try table.withLock { table throws(SystemError) in
            guard let index = table.index(of: name) else { return 0 }
            let committed = table.sinks[index].entry.committed
            guard offset > committed else { return 0 }
            table.sinks[index].entry.committed = offset
            table.sinks[index].entry.dropped += offset - committed
            try table.file.write(table.entries)
            return offset - committed
        }
    }

    func forget(_ name: String) throws(SystemError) -> Bool {
        try table.withLock { table throws(SystemError) in
            guard let index = table.index(of: name) else { return false }
            table.sinks.remove(at: index)
            try table.file.write(table.entries)
            try table.sync()
            return true
        }
    }

    func sync() throws(SystemError) {
        try table.withLock { table throws(SystemError) in try table.sync() }
    }
}
