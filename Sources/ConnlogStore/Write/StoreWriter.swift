#if Server
import ConnlogCore
import ConnlogSystem
import GRDB

/// Takes batches of events into the tables, each in one transaction.
///
/// What it remembers between transactions is a copy of what the file says. After a failure that may no longer be so:
/// then whoever owns it makes a new one.
///
/// # Order of work
/// The events of one connection in a batch are merged first, so a connect and its disconnect cost one row. Then each
/// connection is looked for, newest partition first, where the filter says that it may be; what is not found becomes
/// a row of the newest partition.
struct StoreWriter {
    /// How many rows a partition gets: the random parts of its indices then take some 50 MiB, which are written again and
    /// again. Measured: with a million, events are taken in 15 to 25 % slower, and questions are no faster.
    static let partitionRows: Int64 = 500_000

    let partitionRows: Int64
    let hash: KeyHash
    var partitions: [PartitionState] = []
    private var classes: [RowClass: Int64] = [:]
    private(set) var rowClasses: [Int64: RowClass] = [:]
    private var numbers = TextNumbers()
    private(set) var nextEvent: Int64
    private var raw = RawWriter()
    private var scanner = EventScanner()
    /// Of the batch.
    private var arrivalHour = ArrivalHour(hour: 0)
    /// Events of rows that have gone, which are still to go.
    var eventsOwed = 0
    /// What is known of who was let in where.
    var places = PlaceMemory()
    /// What this transaction changes of who somebody was.
    var touched = TouchedRows()
    /// Changes of the census in this transaction.
    private var census: [CensusPlace: Int] = [:]

    private struct CensusPlace: Hashable {
        let partition: Int64
        let rowClass: Int64
    }

    init(_ database: Database, partitionRows: Int64 = StoreWriter.partitionRows) throws {
        self.partitionRows = partitionRows
        let sql = "SELECT store, next_event FROM settings"
        guard let settings = try database.first(sql, [], { ($0.bytes(0), $0.int(1)) }) else {
            throw StoreProblem("the file has no settings", .damage)
        }
        hash = KeyHash(settings.0)
        nextEvent = settings.1
        partitions = try PartitionState.all(database, capacity: Int(partitionRows))
        for (rowClass, number) in try database.all(RowClass.sql, [], { (RowClass($0), $0.int(0)) }) {
            (classes[rowClass], rowClasses[number]) = (number, rowClass)
        }
    }

    /// What became of a batch.
    struct Result: Equatable {
        var added = 0
        var merged = 0
        /// Events that are in the store already: the queue sends again what it does not know to be committed.
        var known = 0
    }

    /// Takes a batch in. Call it in a transaction.
    /// - Parameter arrival: stands for the time of an event that has none.
    mutating func apply(
        _ batch: EventBatch, at place: EventPlace?, arrival: Nanoseconds, isCertain: Bool, _ database: Database
    ) throws -> Result {
        var result = Result()
        try refuseOthers(database)
        let first = try place.map { try firstUnknown(batch, $0, database) } ?? 0
        result.known = first
        guard first < batch.count else { return result }
        census.removeAll(keepingCapacity: true)
        arrivalHour = ArrivalHour(Microseconds(nanoseconds: arrival))
        if !isCertain { arrivalHour = max(arrivalHour, try newestArrival(database)) }
        let came = isCertain ? arrival : max(arrival, arrivalHour.time.nanoseconds)
        let audit = AuditPart(batch, from: first, &scanner)
        try AuditTable.add(audit.events, came: Microseconds(nanoseconds: came), database)
        if let connections = audit.connections {
            try store(connections, from: 0, arrival: arrival, came: came, &result, database)
        } else {
            try store(batch, from: first, arrival: arrival, came: came, &result, database)
        }
        try finish(batch, place, database)
        return result
    }

    private mutating func store(
        _ batch: EventBatch, from first: Int, arrival: Nanoseconds, came: Nanoseconds, _ result: inout Result,
        _ database: Database
    ) throws {
        for connection in gather(batch, from: first, arrival: arrival) {
            if try store(connection, database) { result.added += 1 } else { result.merged += 1 }
        }
        try settlePeople(database)
        try raw.append(batch, from: first, number: nextEvent, arrival: came, database)
        nextEvent += Int64(batch.count - first)
    }

    private func newestArrival(_ database: Database) throws -> ArrivalHour {
        try partitions.reduce(ArrivalHour(hour: .min)) { newest, state in
            let sql = "SELECT ifnull(max(arrival), 0) FROM \(state.partition.rows)"
            return max(newest, ArrivalHour(hour: try database.first(sql, [], { $0.int(0) }) ?? 0))
        }
    }

    /// What is remembered here is good only while nobody else writes.
    private func refuseOthers(_ database: Database) throws {
        if try database.first("SELECT next_event FROM settings", [], { $0.int(0) }) == nextEvent { return }
        throw StoreProblem("another process writes this file too; give each connlog its own")
    }

    // MARK: - What is in the store already

    /// The index of the first event that is not: offsets only rise.
    ///
    /// A queue that does not sync may give offsets again after a crash of the machine, to other events: then the last
    /// event that is here is not the one of its offset.
    private func firstUnknown(_ batch: EventBatch, _ place: EventPlace, _ database: Database) throws -> Int {
        let sql = "SELECT next_offset, last_event FROM queues WHERE queue = ?"
        let known = try database.first(sql, [.bytes(place.queue)]) { ($0.int(0), $0.int(1)) }
        guard let (next, checksum) = known else { return 0 }
        let first = (0..<batch.count).first { place.offset($0) >= UInt64(next) } ?? batch.count
        guard first > 0, place.offset(first - 1) == UInt64(next - 1) else { return first }
        return StoreWriter.checksum(batch.record(first - 1)) == checksum ? first : 0
    }

    private static func checksum(_ record: Span<UInt8>) -> Int64 {
        var crc = CRC32C()
        crc.update(record)
        return Int64(crc.value)
    }

    private mutating func finish(_ batch: EventBatch, _ place: EventPlace?, _ database: Database) throws {
        try database.run("UPDATE settings SET next_event = ?", [.int(nextEvent)])
        for index in partitions.indices { try partitions[index].save(database) }
        for (place, change) in census where change != 0 {
            try database.run(
                """
                INSERT INTO census VALUES (?, ?, ?) ON CONFLICT (partition, class) DO UPDATE SET rows = rows + excluded.rows
                """, [.int(place.partition), .int(place.rowClass), .int(change)])
        }
        guard let place else { return }
        let last = batch.count - 1
        try database.run(
            "INSERT OR REPLACE INTO queues VALUES (?, ?, ?)",
            [
                .bytes(place.queue), .int(Int64(place.offset(last) + 1)),
                .int(StoreWriter.checksum(batch.record(last))),
            ])
    }

    // MARK: - One batch

    /// The events of one connection in this batch.
    private struct Pending {
        var event: StoredEvent
        var session: Session
        var numbers: [Int64]
    }

    private mutating func event(_ batch: borrowing EventBatch, _ index: Int, _ arrival: Nanoseconds) -> StoredEvent {
        let record = batch.record(index)
        if batch.hasNote(index) { return StoredEvent(record, EventIndex(batch.note(index)), arrival: arrival) }
        var fields = EventFields()
        _ = scanner.scan(record, into: &fields)
        return StoredEvent(record, fields.index, arrival: arrival)
    }

    private mutating func gather(_ batch: EventBatch, from first: Int, arrival: Nanoseconds) -> [Pending] {
        var pending: [Pending] = []
        var places: [MergeKey: Int] = [:]
        pending.reserveCapacity(batch.count - first)
        for place in first..<batch.count {
            let event = event(batch, place, arrival)
            let number = nextEvent + Int64(place - first)
            if let key = event.key {
                if let earlier = places[key] {
                    pending[earlier].session.merge(event.session)
                    pending[earlier].numbers.append(number)
                    continue
                }
                places[key] = pending.count
            }
            pending.append(Pending(event: event, session: event.session, numbers: [number]))
        }
        return pending
    }

    // MARK: - One connection

    /// - Returns: whether it is a new row.
    private mutating func store(_ pending: Pending, _ database: Database) throws -> Bool {
        guard let key = pending.event.key, let found = try find(key, database) else {
            try insert(pending, database)
            return true
        }
        try merge(pending, into: found, database)
        return false
    }

    private func find(_ key: MergeKey, _ database: Database) throws -> StoredRow? {
        let hash =
            switch key {
            case .connection(let id, _, _, _): hash.ofConnection(id)
            case .event(let id): hash.ofRow(id)
            }
        for index in partitions.indices.reversed() where partitions[index].filter.mayContain(hash) {
            var found: StoredRow?
            try partitions[index].statements(database).find.each([.int(hash)]) { row in
                found = StoredRow(row, key, at: index)
                return found == nil
            }
            if let found { return found }
        }
        return nil
    }

    private mutating func insert(_ pending: Pending, _ database: Database) throws {
        let access = Access(pending.event, code: pending.session.code?.value)
        guard let access, access.isAllowed else { return try insert(pending, access, database) }
        let event = pending.event
        try watchingNames(event.clientSession, event.organization?.text, database) { writer in
            try writer.insert(pending, access, database)
        }
        noteAccess(access, event, pending.session.connect)
    }

    private mutating func insert(_ pending: Pending, _ access: Access?, _ database: Database) throws {
        try beginPartition(database)
        let last = partitions.count - 1
        let row = partitions[last].nextRow
        let event = pending.event
        let session = pending.session
        let rowClass = try number(of: RowClass(event), database)
        func text(_ text: String?) throws -> SQLValue {
            .int(try text.map { try numbers.number(of: $0, partitions[last], database) })
        }
        func numberOf(_ id: Identifier?) throws -> SQLValue {
            .int(try id.map { try numbers.number(of: $0, partitions[last], database) })
        }
        let unnamed = Unnamed(event, start: session.connect)
        let user = try unnamed.flatMap { try self.user($0, database) }
        let isOpen = !event.type.isWeb && session.disconnect == nil
        try partitions[last].statements(database).insert.run([
            .int(row), .time(session.connect), .int(rowClass), .time(session.disconnect),
            text(session.reason?.value), .time(session.storedReasonTime), .int(session.code?.value),
            .time(session.storedCodeTime), isOpen ? .int(Int64(1)) : .null, .int(session.events),
            .int(pending.numbers[0]), .int(pending.numbers.dropFirst().first), .id(event.id), .id(event.connection),
            .id(event.clientSession), numberOf(event.owner), numberOf(event.workspace), text(event.workspaceName),
            text(event.agentName), numberOf(event.user), text(event.ip), text(event.userAgent), text(event.slug),
            text(event.typeText), text(event.app), .int(arrivalHour.hour), .int(access?.number), text(user),
        ])
        try addMore(pending.numbers.dropFirst(2), row, last, database)
        try addKeys(event, row, last, database)
        partitions[last].add(session.connect)
        census[CensusPlace(partition: partitions[last].partition.number, rowClass: rowClass), default: 0] += 1
    }

    private mutating func addKeys(_ event: StoredEvent, _ row: Int64, _ index: Int, _ database: Database) throws {
        let statement = try partitions[index].statements(database).insertKey
        if let session = event.clientSession, session.isSomebody {
            try statement.run([.int(hash.ofSession(session)), .int(row)])
            if event.user?.isSomebody ?? false {
                let hash = hash.ofNamedSession(session)
                try statement.run([.int(hash), .int(row)])
                partitions[index].filter.insert(hash)
            }
        }
        if let connection = event.connection {
            let hash = hash.ofConnection(connection)
            try statement.run([.int(hash), .int(row)])
            partitions[index].filter.insert(hash)
        }
        guard let id = event.id else { return }
        let hash = hash.ofRow(id)
        try statement.run([.int(hash), .int(row)])
        // An agent's events are never looked for by their own ids when they come.
        if event.connection == nil { partitions[index].filter.insert(hash) }
    }

    private mutating func merge(_ pending: Pending, into found: StoredRow, _ database: Database) throws {
        let statements = try partitions[found.index].statements(database)
        var session = found.session
        session.merge(pending.session)
        // An index is written anew when one of its columns stands in the statement, whether it changes or not.
        if session.connect != found.session.connect {
            try statements.setTime.run([.time(session.connect), .int(found.row)])
            partitions[found.index].note(session.connect)
        }
        if arrivalHour > found.arrival { try statements.setArrival.run([.int(arrivalHour.hour), .int(found.row)]) }
        if session.disconnect != nil, found.isOpen { try statements.setClosed.run([.int(found.row)]) }
        let reason = try session.reason.map { try numbers.number(of: $0.value, partitions[found.index], database) }
        var events = pending.numbers[...]
        let second = found.hasSecond ? nil : events.popFirst()
        try statements.setSession.run([
            .time(session.disconnect), .int(reason), .time(session.storedReasonTime), .int(session.code?.value),
            .time(session.storedCodeTime), .int(session.events), .int(second), .int(found.row),
        ])
        try addMore(events, found.row, found.index, database)
        try noteMerge(found, session, database)
    }

    /// So many events of one connection can be shown as they were received; the others are only counted.
    private static let eventsMax = 200

    private func addMore(_ events: ArraySlice<Int64>, _ row: Int64, _ index: Int, _ database: Database) throws {
        guard !events.isEmpty else { return }
        let statements = try partitions[index].statements(database)
        let count = Int(try statements.countMore.first([.int(row)]) { $0.int(0) } ?? 0)
        for event in events.prefix(max(0, StoreWriter.eventsMax - count)) {
            try statements.insertMore.run([.int(row), .int(event)])
        }
    }

    // MARK: - Numbers

    /// Classes of no row any more go, so that their number does not only ever rise.
    mutating func dropClasses(_ database: Database) throws {
        try database.run("DELETE FROM census WHERE rows <= 0")
        let used = Set(try database.all("SELECT DISTINCT class FROM census", []) { $0.int(0) })
        for (rowClass, number) in classes where !used.contains(number) {
            try database.run("DELETE FROM classes WHERE class = ?", [.int(number)])
            (classes[rowClass], rowClasses[number]) = (nil, nil)
        }
    }

    private mutating func number(of rowClass: RowClass, _ database: Database) throws -> Int64 {
        if let number = classes[rowClass] { return number }
        try database.run(
            "INSERT INTO classes(organization, type, app) VALUES (?, ?, ?)",
            [.text(rowClass.organization), .text(rowClass.type.rawValue), .text(rowClass.appText)])
        let number = database.lastInsertedRowID
        (classes[rowClass], rowClasses[number]) = (number, rowClass)
        return number
    }

    /// Makes sure that the newest partition has room.
    private mutating func beginPartition(_ database: Database) throws {
        if let last = partitions.last, last.nextRow <= partitionRows { return }
        if !partitions.isEmpty { try partitions[partitions.count - 1].close(database) }
        let state = PartitionState(
            Partition(number: (partitions.last?.partition.number ?? 0) + 1), capacity: Int(partitionRows))
        try state.create(database)
        partitions.append(state)
        numbers.removeAll()
    }
}
#endif
