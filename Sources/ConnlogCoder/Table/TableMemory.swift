import ConnlogCore

/// What of Coder's table was handed over: the checkpoints of a `coder_api` source, stored in the same write as the events.
///
///     place      version 1, three times of 8 bytes, big-endian: edge, mark, ceiling
///     known/N    rows newer than the edge whose events were handed over: id, connect time, 1 byte
///     open/N     of all of these, and older ones, those that were open: id, connect time, connection id
///
///         edge                 mark              now            ceiling
///     ─────┼────────────────────┼─────────────────┼────────────────┼─────
///      not   rows that are known  are read each     as clocks that   not
///      read  are passed over,     interval          go wrong have    read
///      any   others are late                        it
///      more
///
/// Everything up to the mark was read once. The edge follows at `look_back`, once all after it was looked through for late
/// rows. Bounds: 131,072 rows known (3.3 MB of checkpoints, about 12 MB of memory) and 32,768 open (1.3 MB, 4 MB). With more
/// known rows the edge comes nearer (the ceiling, if most are in the future), with more open ones the oldest are watched no
/// longer; both are told.
struct TableMemory {
    static let knownSlots = 128
    static let openSlots = 32

    /// What happened to a row.
    enum Change: Equatable { case connect, disconnect }

    /// Rows of this time and older are not taken any more.
    private(set) var edge = TableTime.first
    /// Everything up to here was read.
    var mark = TableTime.first { didSet { isPlaceChanged = isPlaceChanged || mark != oldValue } }
    /// Nor are rows of this time and newer.
    private(set) var ceiling = TableTime.last
    private(set) var hasBegun = false
    private var isPlaceChanged = false
    private(set) var known: SlotTable<KnownRow>
    private(set) var open: SlotTable<OpenRow>
    /// Open connections that are watched no longer, since there were too many.
    private(set) var givenUp = 0

    private static let key: CheckpointKey = "place"
    private static let version: UInt8 = 1

    /// - Parameter stored: the checkpoints of the source.
    init(_ stored: [CheckpointKey: [UInt8]], knownSlots: Int = knownSlots, openSlots: Int = openSlots) {
        known = SlotTable("known", slotCount: knownSlots, stored: stored)
        open = SlotTable("open", slotCount: openSlots, stored: stored)
        guard let place = stored[TableMemory.key], place.count == 25, place[0] == TableMemory.version else {
            // Of another version: what the slots say holds, the rest begins anew.
            return
        }
        edge = TableTime(bytes: place[1..<9])
        mark = TableTime(bytes: place[9..<17])
        ceiling = TableTime(bytes: place[17..<25])
        isPlaceChanged = false
        hasBegun = true
        for row in known.all where row.value.connect <= edge || row.value.connect >= ceiling { known.remove(row.id) }
    }

    /// The very first start: what is not newer than this is not read.
    mutating func begin(at time: TableTime) {
        (edge, mark, hasBegun, isPlaceChanged) = (time, time, true, true)
    }

    /// A connection that was open at the very first start, and whose beginning is not handed over.
    mutating func watch(_ row: CoderRow) {
        guard row.isAgent, row.end == nil else { return }
        addOpen(row)
    }

    /// What is new about a row, in the order in which it happened; remembered from now on.
    mutating func take(_ row: CoderRow) -> [Change] {
        if let open = open[row.id] {
            guard row.end != nil else {
                // An earlier connect may have come.
                if row.connect != open.connect { addOpen(row) }
                return []
            }
            self.open.remove(row.id)
            return [.disconnect]
        }
        if let known = known[row.id] {
            guard known.owesConnect, let end = row.end, row.connect < end else { return [] }
            self.known.set(row.id, KnownRow(connect: known.connect, owesConnect: false))
            return [.connect]
        }
        guard row.connect > edge, row.connect < ceiling else { return [] }
        let isEndAlone = row.isAgent && row.end == row.connect
        known.set(row.id, KnownRow(connect: row.connect, owesConnect: isEndAlone))
        guard row.isAgent else { return [.connect] }
        guard row.end != nil else {
            addOpen(row)
            return [.connect]
        }
        return isEndAlone ? [.disconnect] : [.connect, .disconnect]
    }

    private mutating func addOpen(_ row: CoderRow) {
        if open.isFull, open[row.id] == nil {
            // An eighth at once, so that it is not looked for each time.
            let oldest = open.all.sorted { $0.value.connect < $1.value.connect }.prefix(max(1, open.count / 8))
            for row in oldest { open.remove(row.id) }
            givenUp += oldest.count
        }
        open.set(row.id, OpenRow(connect: row.connect, connection: row.connection))
    }

    /// An open connection that has gone from the table without an end.
    mutating func forgetOpen(_ id: RowID) { open.remove(id) }

    /// How many rows are known that lie after a time.
    func knownCount(after time: TableTime) -> Int { known.all.reduce(0) { $0 + ($1.value.connect > time ? 1 : 0) } }

    // MARK: Bounds

    /// So many rows may come at once.
    static let roomMin = 2048

    /// Rows up to this time are not taken any more.
    mutating func forget(upTo time: TableTime) {
        guard time > edge else { return }
        edge = time
        isPlaceChanged = true
        for row in known.all where row.value.connect <= edge { known.remove(row.id) }
    }

    /// Forgets an eighth, if there is too little room.
    /// - Parameter now: divides what has happened from what cannot have.
    mutating func makeRoom(_ now: TableTime) {
        let most = known.slotCount * SlotTable<KnownRow>.rowsOfSlot
        guard known.count > max(0, most - min(TableMemory.roomMin, most / 4)) else { return }
        let times = known.all.map(\.value.connect).sorted()
        let future = times.reduce(0) { $0 + ($1 > now.advanced(by: .seconds(3600)) ? 1 : 0) }
        if future * 2 <= times.count {
            forget(upTo: times[times.count / 8])
        } else {
            ceiling = times[times.count - 1 - times.count / 8]
            isPlaceChanged = true
            for row in known.all where row.value.connect >= ceiling { known.remove(row.id) }
        }
    }

    // MARK: Storing

    /// What has changed since the last call, the place first.
    mutating func takeChanges() -> [Checkpoint] {
        var changes: [Checkpoint] = []
        if isPlaceChanged {
            let value = [TableMemory.version] + edge.bytes + mark.bytes + ceiling.bytes
            changes = [Checkpoint(key: TableMemory.key, value: value)]
            isPlaceChanged = false
        }
        return changes + (known.takeChanges() + open.takeChanges()).map { Checkpoint(key: $0.key, value: $0.value) }
    }
}
