#if Server
import ConnlogCore
import GRDB

/// A row that events may be merged into.
struct StoredRow {
    /// Of its partition among the writer's.
    let index: Int
    let row: Int64
    let session: Session
    let isOpen: Bool
    let hasSecond: Bool
    let arrival: ArrivalHour
    /// Of the user whom it names.
    let access: Access?
    let type: ConnectionType?
    let organization: String?
    let clientSession: Identifier?
    let place: Place?

    static func sql(_ partition: Partition) -> String {
        func text(_ column: String) -> String { "(SELECT text FROM \(partition.texts) WHERE number = r.\(column))" }
        return """
            SELECT r.row, r.id, r.connection, \(text("workspace")), \(text("agent")), r.time, r.disconnect,
                \(text("reason")), r.reason_time, r.code, r.code_time, r.events, r.open, r.second IS NOT NULL,
                r.arrival, c.organization, r.access, c.type, r.session
            FROM \(partition.keys) k JOIN \(partition.rows) r ON r.row = k.row
                LEFT JOIN classes c ON c.class = r.class WHERE k.hash = ?
            """
    }

    /// `nil` if it is of another connection, whose hash is the same by chance.
    init?(_ row: Columns, _ key: MergeKey, at index: Int) {
        let connection = row.id(2)
        switch key {
        case .connection(let id, let organization, let workspace, let agent):
            func exact(_ column: Int) -> ExactText? { row.text(column).map(ExactText.init) }
            guard connection == id, exact(15) == organization?.exact, exact(3) == workspace?.exact, exact(4) == agent
            else { return nil }
        case .event(let id):
            guard connection == nil, row.id(1) == id else { return nil }
        }
        self.index = index
        self.row = row.int(0)
        session = Session(
            connect: row.time(5), disconnect: row.optionalTime(6), reason: row.text(7), reasonTime: row.optionalTime(8),
            code: row.optionalInt(9).map { Int($0) }, codeTime: row.optionalTime(10), events: Int(row.int(11)))
        isOpen = row.int(12) == 1
        hasSecond = row.int(13) == 1
        arrival = ArrivalHour(hour: row.int(14))
        access = Access(row.optionalInt(16))
        type = row.text(17).flatMap { ConnectionType(rawValue: $0) }
        organization = row.text(15)
        clientSession = row.id(18)
        place = Place(organization: row.text(15), workspace: row.text(3), agent: row.text(4))
    }
}

extension Session {
    /// Times that are the disconnect's are not stored again.
    var storedReasonTime: Microseconds? { reason?.time == disconnect ? nil : reason?.time }
    var storedCodeTime: Microseconds? { code?.time == disconnect ? nil : code?.time }

    init(
        connect: Microseconds, disconnect: Microseconds?, reason: String?, reasonTime: Microseconds?, code: Int?,
        codeTime: Microseconds?, events: Int
    ) {
        let end = disconnect ?? connect
        self.init(
            connect: connect, disconnect: disconnect,
            reason: reason.map { Timed(time: reasonTime ?? end, value: $0) },
            code: code.map { Timed(time: codeTime ?? end, value: $0) }, events: events)
    }
}
#endif
