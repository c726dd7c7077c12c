#if Server
/// What of a transaction may have changed who somebody was: looked at once, at its end.
struct TouchedRows {
    /// When somebody was let in there, or no more, as of now.
    private(set) var places: [Place: Set<Microseconds>] = [:]
    private(set) var sessions: Set<Session> = []
    private(set) var rows: Set<RowPlace> = []

    struct Session: Hashable {
        let id: Identifier
        let organization: String?
    }

    struct RowPlace: Hashable {
        let partition: Int64
        let row: Int64
    }

    var isEmpty: Bool { places.isEmpty && sessions.isEmpty && rows.isEmpty }

    mutating func touch(_ place: Place, _ time: Microseconds) { places[place, default: []].insert(time) }
    mutating func touch(_ session: Session) { sessions.insert(session) }
    mutating func touch(_ row: RowPlace) { rows.insert(row) }

    mutating func removeAll() { self = TouchedRows() }
}
#endif
