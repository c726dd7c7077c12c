package import ConnlogCore
package import ConnlogQueue
package import ConnlogSystem

/// `connlog queue export`: the events of a queue, as they were received.
package struct QueueExport: Sendable {
    /// What is wanted of it.
    package struct Options: Sendable {
        package var offsets: Range<UInt64> = 0..<UInt64.max
        package var times = TimeRange()
        package var filter: (any EventFilter)?
        /// `{"offset":4711,"record":{...}}` instead of the record alone.
        package var addsOffsets = false

        package init() {}
    }

    private static let pieceBytes = 1 << 20

    private let snapshot: QueueSnapshot
    private let options: Options
    private var filter: (any EventFilter)?
    package private(set) var events: UInt64 = 0
    /// What could not be read, in words.
    package private(set) var losses: [String] = []

    package init(_ snapshot: QueueSnapshot, _ options: Options) {
        self.snapshot = snapshot
        self.options = options
        filter = options.filter
    }

    /// Reads to the end.
    /// - Parameter write: gets whole lines, about a megabyte at a time; `false` ends it.
    package mutating func run(_ write: (ByteBuffer) -> Bool) throws(ToolError) {
        do throws(QueueError) { try read(write) } catch { throw ToolError(error) }
    }

    private mutating func read(_ write: (ByteBuffer) -> Bool) throws(QueueError) {
        var walk = QueueWalk(snapshot, offsets: options.offsets)
        var clock = EventClock()
        let codec = RecordCodec()
        var scanner = EventScanner()
        var one = EventBatch()
        var lines = ByteBuffer()
        while let step = try walk.next() {
            switch step {
            case .event(let offset):
                one.removeAll()
                walk.appendRecord(to: &one)
                guard codec.unpack(&one) else {
                    losses.append(
                        "event \(offset) is in a form that this version does not know; was a newer connlog here?")
                    continue
                }
                guard options.times.isEverything || options.times.contains(clock.time(of: one.record(0))) else {
                    continue
                }
                // A filter is of connections, and so is what it wants.
                if filter != nil, AuditEvent.isOne(one, 0, &scanner) { continue }
                if filter?.apply(to: &one)?.isEmpty == true { continue }
                append(one.record(0), offset, to: &lines)
                events += 1
            case .damage(let damage): losses.append("\(damage.place): \(damage.finding)")
            case .released(let offsets):
                losses.append("\(Quantity.count(offsets.count, "event")) went meanwhile, since every sink has them")
            case .checkpoint, .mark: continue
            }
            if lines.count >= QueueExport.pieceBytes {
                guard write(lines) else { return }
                lines.removeAll()
            }
        }
        _ = write(lines)
    }

    private func append(_ record: Span<UInt8>, _ offset: UInt64, to lines: inout ByteBuffer) {
        if options.addsOffsets { lines.append("{\"offset\":\(offset),\"record\":") }
        lines.append(record)
        lines.append(options.addsOffsets ? "}\n" : "\n")
    }
}
