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
        /// Events dropped since the queue was opened.
        var drops: [DropReason: UInt64] = [:]
        /// Set from the first drop until the sink has caught up.
        var dropping: (reason: DropReason, events: UInt64)?

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
    var bytesReserved: Int { table.withLock { $0.file.bytesReserved(for: $0.entries) } }
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
            if known == nil {
                try table.file.write(table.entries)
                // What it may count on from now on, a crash of the machine must not take back.
                try table.sync()
            }
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

    /// - Parameter durably: on disk when it returns.
    /// - Returns: whether that was news, or `nil` if there is no such sink.
    /// - Throws: after an error the sink is where it was, though after a crash it may be here.
    func commit(_ name: String, offset: UInt64, state: [UInt8], durably: Bool) throws(SystemError) -> Bool? {
        try table.withLock { table throws(SystemError) in
            guard let index = table.index(of: name) else { return nil }
            let before = table.sinks[index]
            let isNews = offset > before.delivered || offset == before.delivered && state != before.entry.state
            guard isNews || durably else { return false }
            if isNews {
                // Events were dropped ahead of the sink: what it delivered before is in its state all the same.
                table.sinks[index].delivered = offset
                table.sinks[index].entry.committed = max(offset, before.entry.committed)
                table.sinks[index].entry.state = state
            }
            do throws(SystemError) {
                if isNews { try table.file.write(table.entries) }
                if durably { try table.sync() }
            } catch {
                table.sinks[index] = before
                throw error
            }
            return isNews
        }
    }

    /// Moves a sink forward over events that it will not get, and remembers how many.
    /// - Returns: whether the sink begins to lose events with these.
    func drop(_ name: String, to offset: UInt64, _ reason: DropReason) throws(SystemError) -> Bool {
        try table.withLock { table throws(SystemError) in
            guard let index = table.index(of: name), offset > table.sinks[index].entry.committed else { return false }
            let before = table.sinks[index]
            let events = offset - before.entry.committed
            table.sinks[index].entry.committed = offset
            table.sinks[index].entry.dropped += events
            do throws(SystemError) { try table.file.write(table.entries) } catch {
                table.sinks[index] = before
                throw error
            }
            table.sinks[index].drops[reason, default: 0] += events
            table.sinks[index].dropping = (before.dropping?.reason ?? reason, (before.dropping?.events ?? 0) + events)
            return before.dropping == nil
        }
    }

    /// The sink has caught up.
    /// - Returns: what it lost since it began to lose events.
    func endDropping(_ name: String) -> (reason: DropReason, events: UInt64)? {
        table.withLock { table in
            guard let index = table.index(of: name) else { return nil }
            defer { table.sinks[index].dropping = nil }
            return table.sinks[index].dropping
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
