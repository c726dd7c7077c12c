#if Server
import ConnlogCore
import GRDB

extension StoreReader {
    /// Says who somebody was, as far as this reading transaction sees.
    var people: PersonSearch {
        let numbered = classes.map { ($0.number, $0.rowClass) }
        return PersonSearch(
            database: database, extents: partitions, classes: Dictionary(numbered) { first, _ in first }, hash: hash)
    }

    /// Who the connections of some events were, by the events' numbers; of an event whose row has gone, whom it names itself.
    func people(of events: [ReceivedEvent]) throws -> [Int64: Person] {
        let people = people
        var (found, scanner, fields): ([Int64: Person], EventScanner, EventFields) = (
            [:], EventScanner(), EventFields()
        )
        for event in events {
            try Task.checkCancellation()
            guard scanner.scan(event.line.span, into: &fields) == .connectionLog else { continue }
            let stored = StoredEvent(event.line.span, fields.index, arrival: 0)
            let row = try row(of: stored, people)
            found[event.number] = try row?.person ?? people.person(of: stored)
        }
        return found
    }

    /// The row that an agent's event has become part of. One of another organization, which somebody has given the same id, is
    /// none of its own: who sees the event may not see that row.
    private func row(of event: StoredEvent, _ people: PersonSearch) throws -> ConnectionRow? {
        guard !event.type.isWeb, let key = event.key, let place = try position(of: key) else { return nil }
        let row = try row(place, people)
        return row?.organizationID == event.organization?.text ? row : nil
    }

    private func position(of key: MergeKey) throws -> RowPosition? {
        let hash =
            switch key {
            case .connection(let id, _, _, _): hash.ofConnection(id)
            case .event(let id): hash.ofRow(id)
            }
        for (index, extent) in partitions.enumerated() {
            var found: StoredRow?
            try database.prepared(StoredRow.sql(extent.partition)).each([.int(hash)]) { row in
                found = StoredRow(row, key, at: index)
                return found == nil
            }
            guard let found else { continue }
            return RowPosition(time: found.session.connect, partition: extent.partition.number, row: found.row)
        }
        return nil
    }
}

extension PersonSearch {
    func person(of row: ConnectionRow) throws -> Person {
        if let id = row.userID, Identifier(id).isSomebody { return .recorded(id) }
        return try Unnamed(row).map { try person($0) } ?? .nobody
    }

    /// By what an event says itself.
    fileprivate func person(of event: StoredEvent) throws -> Person {
        if let user = event.user, user.isSomebody { return .recorded(user.text) }
        return try Unnamed(event, start: event.session.connect).map { try person($0) } ?? .nobody
    }
}
#endif
