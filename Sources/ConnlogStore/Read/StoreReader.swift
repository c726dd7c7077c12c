#if Server
import ConnlogCore
import GRDB

/// Answers questions in one reading transaction.
struct StoreReader {
    let database: Database
    let hash: KeyHash
    private(set) var classes: [PartitionQuery.RowClassNumber] = []
    /// The newest first.
    private(set) var partitions: [Extent] = []

    struct Extent {
        let partition: Partition
        /// Of the connect times, or beyond them.
        let oldest: Microseconds
        let newest: Microseconds
    }

    init(_ database: Database) throws {
        self.database = database
        hash = KeyHash(try database.first("SELECT store FROM settings") { $0.bytes(0) } ?? [])
        classes = try database.all(RowClass.sql) {
            PartitionQuery.RowClassNumber(number: $0.int(0), rowClass: RowClass($0))
        }
        let sql = "SELECT partition, oldest, newest FROM partitions WHERE newest NOT NULL ORDER BY newest DESC"
        partitions = try database.all(sql) {
            Extent(partition: Partition(number: $0.int(0)), oldest: $0.time(1), newest: $0.time(2))
        }
    }

    // MARK: - Lists

    /// The newest rows that match.
    /// - Parameters:
    ///   - after: goes on after this place; `nil` begins with the newest.
    ///   - offset: so many are passed over first. Costs time for each.
    ///   - bytesMax: with so many bytes of rows, no more are read; one is at least.
    ///   - budget: how long rows are looked for. There is none with an offset, of which no place tells how much is left, and
    ///     for `new:ip`: what it must know before takes longer than any.
    func page(
        _ query: RowQuery, after: RowPosition?, offset: Int, limit: Int, bytesMax: Int, withPeople: Bool,
        budget: LookBudget = .whole
    ) throws -> RowPage {
        let fresh = try freshAddresses(query)
        let meter = LookMeter(fresh == nil && offset == 0 ? budget : .whole)
        let found = try places(query, fresh, after: after, offset: offset, limit: limit, meter)
        var (rows, bytes): ([ConnectionRow], Int) = ([], 0)
        let people = withPeople ? people : nil
        for place in found.places {
            try Task.checkCancellation()
            guard let row = try row(place, people) else { continue }
            bytes += row.bytes
            if bytes > bytesMax, !rows.isEmpty { return RowPage(rows: rows, isLast: false) }
            rows.append(row)
        }
        let isLast = found.places.count < limit && found.reached == nil
        return RowPage(rows: rows, isLast: isLast, reached: found.reached)
    }

    /// Merges the streams of all partitions.
    /// - Returns: `reached`, when the budget was used up before: all down to this place were looked at.
    func places(
        _ query: RowQuery, _ fresh: FreshAddresses?, after: RowPosition?, offset: Int, limit: Int, _ meter: LookMeter
    ) throws -> (places: [RowPosition], reached: RowPosition?) {
        var places: [RowPosition] = []
        var streams: [RowStream] = []
        var waiting = partitions[...]
        var passed = 0
        // Only places that somebody may see: when the rows of others begin is nobody's business. A page that stops has come
        // further than the one before.
        var done: RowPosition?
        func reached() -> RowPosition? {
            guard meter.isOver, let done, after.map({ done < $0 }) ?? true else { return nil }
            return done
        }
        while places.count < limit {
            // A partition is opened when its newest row may be next.
            while let next = waiting.first,
                streams.allSatisfy({ $0.head.map { $0.place.time <= next.newest } ?? true })
            {
                if let place = reached() { return (places, place) }
                waiting.removeFirst()
                if let after, next.oldest > after.time { continue }
                let plan = try plan(query, next, fresh)
                meter.begin()
                streams += try plan.streams(after: after, database, meter)
            }
            guard let newest = StoreReader.newest(streams), let head = streams[newest].head else { break }
            try Task.checkCancellation()
            done = head.place
            switch head {
            case .mark: if let place = reached() { return (places, place) }
            case .row(let place): if passed < offset { passed += 1 } else { places.append(place) }
            }
            try streams[newest].advance(database, meter)
            if streams[newest].head == nil { streams.remove(at: newest) }
        }
        return (places, nil)
    }

    private static func newest(_ streams: [RowStream]) -> Int? {
        var best: (index: Int, place: RowPosition)?
        for index in streams.indices {
            guard let place = streams[index].head?.place else { continue }
            if let best, place < best.place { continue }
            best = (index, place)
        }
        return best?.index
    }

    /// So many conditions one question may have: SQLite takes no expression of any depth.
    static let termsMax = 100

    /// The query for one partition, with the classes it has rows of.
    func plan(_ query: RowQuery, _ extent: Extent, _ fresh: FreshAddresses? = nil) throws -> PartitionQuery {
        try Task.checkCancellation()
        let present = try censusOf(extent.partition)
        return try PartitionQuery(
            query, extent, classes.filter { present[$0.number] != nil }, hash, fresh, database)
    }

    func plans(_ query: RowQuery) throws -> [PartitionQuery] {
        let fresh = try freshAddresses(query)
        return try partitions.map { try plan(query, $0, fresh) }
    }

    /// For `new:ip`; `nil` where it is not asked for.
    func freshAddresses(_ query: RowQuery) throws -> FreshAddresses? {
        guard query.asksForNewAddresses else { return nil }
        guard let begin = query.begin else {
            throw StoreProblem("new:ip wants a beginning: add connected_after: or during:", .question)
        }
        // Of all rows that whoever asks may see, whatever else is asked for.
        let visible = query.visibleTerms
        let inRange = RowQuery(visible + [.init(.row(.connectedAfter(begin.nanoseconds)))])
        let before = RowQuery(visible + [.init(.row(.connectedBefore(begin.advanced(by: -1).nanoseconds)))])
        return try query.memory.freshAddresses(of: hash, since: begin) {
            try FreshAddresses(
                asked: partitions.map { try plan(inRange, $0) }, before: partitions.map { try plan(before, $0) },
                database)
        }
    }

    // MARK: - One row

    /// The row that an event of this id made; `nil` if there is none.
    func row(id text: String) throws -> ConnectionRow? {
        let id = Identifier(text)
        for extent in partitions {
            let partition = extent.partition
            let sql = """
                SELECT r.time, r.row FROM \(partition.keys) k JOIN \(partition.rows) r ON r.row = k.row
                WHERE k.hash = ? AND r.id = ?
                """
            let found = try database.first(sql, [.int(hash.ofRow(id)), .id(id)]) {
                RowPosition(time: $0.time(0), partition: partition.number, row: $0.int(1))
            }
            if let found { return try row(found, people) }
        }
        return nil
    }

    /// - Parameter people: says whose it is, if that is asked for.
    func row(_ place: RowPosition, _ people: PersonSearch?) throws -> ConnectionRow? {
        let partition = Partition(number: place.partition)
        let sql = StoreReader.sql(partition)
        guard var row = try database.first(sql, [.int(place.row)], { ConnectionRow($0, place) }) else { return nil }
        if let people { row.person = try people.person(of: row) }
        return row
    }

    private static func sql(_ partition: Partition) -> String {
        func text(_ column: String) -> String { "(SELECT text FROM \(partition.texts) WHERE number = r.\(column))" }
        let texts = [
            "reason", "owner", "workspace", "name", "agent", "user", "ip", "user_agent", "slug", "type", "app",
        ]
        return """
            SELECT r.id, r.connection, r.session, r.time, r.disconnect, r.reason_time, r.code, r.code_time, r.events,
                c.organization, c.type, \(texts.map(text).joined(separator: ", ")), r.arrival
            FROM \(partition.rows) r JOIN classes c ON c.class = r.class WHERE r.row = ?
            """
    }

    // MARK: - Events as received

    /// The numbers of a connection's events, ?1, that come after one, ?2, in their order.
    static func eventNumbers(_ partition: Partition) -> String {
        """
        SELECT first AS number FROM \(partition.rows) WHERE row = ?1 AND first > ?2
        UNION SELECT second FROM \(partition.rows) WHERE row = ?1 AND second > ?2
        UNION SELECT event FROM \(partition.more) WHERE row = ?1 AND event > ?2 ORDER BY number
        """
    }

    /// The events of a connection as they were received, the oldest first; those that retention has let go are missing.
    /// - Parameters:
    ///   - number: only those after this one.
    ///   - bytesMax: with so many bytes of events, no more are read; one is at least.
    func events(of place: RowPosition, after number: Int64, bytesMax: Int) throws -> [ReceivedEvent] {
        let partition = Partition(number: place.partition)
        // Retention may have let go of it, tables and all, since somebody was told of the row.
        guard partitions.contains(where: { $0.partition == partition }) else { return [] }
        var (found, bytes): ([ReceivedEvent], Int) = ([], 0)
        var member: RawMember?
        let numbers = try database.prepared(StoreReader.eventNumbers(partition))
        try numbers.each([.int(place.row), .int(number)]) { row in
            try Task.checkCancellation()
            let number = row.int(0)
            if member?.line(number) == nil { member = try self.member(of: number) }
            guard let line = member?.line(number) else { return true }
            found.append(ReceivedEvent(number: number, line: line))
            bytes += line.count
            return bytes < bytesMax
        }
        return found
    }

    /// The member that holds an event, unpacked; `nil` when retention has let go of it: then nothing is unpacked.
    func member(of number: Int64) throws -> RawMember? {
        let sql = "SELECT first, count, lines FROM raw WHERE first <= ? ORDER BY first DESC LIMIT 1"
        return try database.first(sql, [.int(number)]) { row in
            number < row.int(0) + row.int(1) ? try RawMember(first: row.int(0), packed: row.bytes(2)) : nil
        } ?? nil
    }

    /// Events by their numbers, which rise by one from event to event.
    /// - Parameter first: the number of the first wanted; the next that there is, if that one is gone.
    ///   - bytesMax: with so many bytes of events, no more are read; one is at least.
    func events(from first: Int64, limit: Int, bytesMax: Int = .max) throws -> [ReceivedEvent] {
        var bytes = 0
        let start = try database.first("SELECT max(first) FROM raw WHERE first <= ?", [.int(first)]) {
            $0.optionalInt(0)
        }
        let sql = "SELECT first, count, lines FROM raw WHERE first >= ? ORDER BY first"
        var events: [ReceivedEvent] = []
        try database.prepared(sql).each([.int((start ?? nil) ?? first)]) { row in
            try Task.checkCancellation()
            guard first < row.int(0) + row.int(1) else { return true }
            let member = try RawMember(first: row.int(0), packed: row.bytes(2))
            for (index, line) in member.lines.enumerated() {
                let number = member.first + Int64(index)
                guard number >= first, events.count < limit, events.isEmpty || bytes < bytesMax else { continue }
                events.append(ReceivedEvent(number: number, line: line))
                bytes += line.count
            }
            return events.count < limit && (events.isEmpty || bytes < bytesMax)
        }
        return events
    }

    /// Events after a mark; those of the store as it is now, if that is not the one that gave the mark.
    func events(after mark: EventMark, limit: Int, bytesMax: Int) throws -> NewEvents {
        let place = mark.place(in: try newestMark())
        let events = try events(from: place.number + 1, limit: limit, bytesMax: bytesMax)
        return NewEvents(
            events: events, mark: place.at(events.last?.number ?? place.number),
            restart: place == mark ? nil : place)
    }

    /// After the newest event.
    func newestMark() throws -> EventMark {
        try database.first("SELECT store, next_event FROM settings") {
            EventMark(store: $0.bytes(0), number: $0.int(1) - 1)
        } ?? EventMark(store: [], number: 0)
    }
}
#endif
