#if Server
import ConnlogCore
import GRDB

/// Keeps the column `inferred` as `PersonSearch` has it, whatever order events come in.
///
/// A connection is told whose it is when it is stored. Who is let in later than all connections there changes nothing, which
/// is the usual case; else the rows between that moment and the next tunnel, or the end of the window, are looked at again
/// at the end of the batch. So are the rows of a client session when it is another one's than before.
extension StoreWriter {
    func search(_ database: Database) -> PersonSearch {
        PersonSearch(
            database: database, extents: partitions.reversed().compactMap(\.extent), classes: rowClasses, hash: hash)
    }

    // MARK: - New rows

    /// Whose a connection is that is about to be stored.
    mutating func user(_ unnamed: Unnamed, _ database: Database) throws -> String? {
        // Whatever names it: it is a connection there.
        if let place = unnamed.place { places.noteRow(place, unnamed.start) }
        if let session = unnamed.session, let user = try names(session, unnamed.organization, database).user {
            return user
        }
        guard let place = unnamed.place else { return nil }
        let known = try places[place] ?? load(place, unnamed.start, database)
        if let user = known.user(unnamed) { return user }
        return try search(database).user(at: place, unnamed)
    }

    private mutating func load(
        _ place: Place, _ start: Microseconds, _ database: Database
    ) throws -> PlaceMemory.Known {
        let search = search(database)
        let times = start.advanced(by: -PersonSearch.window)...Microseconds(.max)
        let known = PlaceMemory.Known(
            since: times.lowerBound, tunnel: try search.nearest(place, .tunnels, times),
            terminal: try search.nearest(place, .terminals, times))
        places.remember(place, known)
        return known
    }

    /// A row that names a user has been stored.
    mutating func noteAccess(_ access: Access, _ event: StoredEvent, _ time: Microseconds) {
        guard access.letsIn, let place = Place(event), let user = event.user?.text else { return }
        places.noteAccess(place, access.kind, user, time)
        if let newest = places[place]?.newestRow, newest < time { return }
        touched.touch(place, time)
    }

    // MARK: - Client sessions

    func names(
        _ session: Identifier, _ organization: String?, _ database: Database
    ) throws -> PersonSearch.Names {
        let hash = hash.ofNamedSession(session)
        return try search(database).names(session, organization) { partition in
            partitions.contains { $0.partition == partition && $0.filter.mayContain(hash) }
        }
    }

    /// Does something that may change whom a client session names.
    mutating func watchingNames<Value>(
        _ session: Identifier?, _ organization: String?, _ database: Database,
        _ body: (inout StoreWriter) throws -> Value
    ) throws -> Value {
        guard let session, session.isSomebody else { return try body(&self) }
        let before = try names(session, organization, database).user
        let value = try body(&self)
        if try names(session, organization, database).user != before {
            touched.touch(TouchedRows.Session(id: session, organization: organization))
        }
        return value
    }

    // MARK: - Rows that change

    /// Events were merged into a row, which began at another time before, or had another outcome.
    mutating func noteMerge(_ found: StoredRow, _ session: ConnlogStore.Session, _ database: Database) throws {
        let partition = partitions[found.index].partition
        guard let access = found.access else {
            let row = TouchedRows.RowPlace(partition: partition.number, row: found.row)
            if session.connect != found.session.connect, found.type?.isWeb == false { touched.touch(row) }
            return
        }
        let new = Access(access.kind, code: session.code?.value)
        guard new != access || session.connect != found.session.connect else { return }
        try watchingNames(found.clientSession, found.organization, database) { _ in
            try database.run(
                "UPDATE \(partition.rows) SET access = ? WHERE row = ?", [.int(new.number), .int(found.row)])
        }
        guard let place = found.place, new.letsIn || access.letsIn else { return }
        places.removeAll()
        touched.touch(place, session.connect)
        touched.touch(place, found.session.connect)
    }

    /// Rows that name a user are about to go.
    mutating func noteRemoval(_ rows: [Int64], of partition: Partition, _ database: Database) throws {
        func text(_ column: String) -> String { "(SELECT text FROM \(partition.texts) WHERE number = r.\(column))" }
        let sql = """
            SELECT r.access, r.class, \(text("workspace")), \(text("agent")), r.time, r.session FROM \(partition.rows) r
            WHERE r.row = ? AND r.\(Access.names)
            """
        for row in rows {
            try database.prepared(sql).each([.int(row)]) { row in
                let organization = rowClasses[row.int(1)]?.organization
                if let id = row.id(5), id.isSomebody {
                    touched.touch(TouchedRows.Session(id: id, organization: organization))
                }
                guard Access(row.int(0))?.letsIn ?? false else { return true }
                let place = Place(organization: organization, workspace: row.text(2), agent: row.text(3))
                if let place { touched.touch(place, row.time(4)) }
                return true
            }
        }
        places.removeAll()
    }

    // MARK: - At the end of a transaction

    /// Says anew whose the rows are that something of this transaction concerns.
    mutating func settlePeople(_ database: Database) throws {
        if touched.isEmpty { return }
        let search = search(database)
        var rows = touched.rows
        for session in touched.sessions { rows.formUnion(try search.rows(of: session)) }
        let agents = Dictionary(grouping: rowClasses.filter { !$0.value.type.isWeb }) { $0.value.organization }
        for (place, times) in touched.places {
            let classes = agents[place.organization, default: []].map(\.key)
            rows.formUnion(try self.rows(of: place, times.sorted(), classes, search))
        }
        for row in rows { try search.infer(row) }
        touched.removeAll()
    }

    private mutating func rows(
        of place: Place, _ times: [Microseconds], _ classes: [Int64], _ search: PersonSearch
    ) throws -> Set<TouchedRows.RowPlace> {
        guard let first = times.first else { return [] }
        if places[place]?.newestRow == nil {
            var known = try places[place] ?? load(place, first, search.database)
            let newest = try search.newestRow(in: place, from: first, classes)
            known.newestRow = newest ?? first
            places.remember(place, known)
            if newest == nil { return [] }
        }
        return try search.rows(of: place, after: times, classes)
    }
}

extension PartitionState {
    var extent: StoreReader.Extent? {
        guard let oldest, let newest else { return nil }
        return StoreReader.Extent(partition: partition, oldest: oldest, newest: newest)
    }
}
#endif
