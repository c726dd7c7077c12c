#if Server
import ConnlogCore
import GRDB

extension ConnectionRow {
    /// - Parameter row: in the order of `StoreReader.sql`.
    init(_ row: Columns, _ position: RowPosition) {
        self.position = position
        id = row.id(0)?.text
        connectionID = row.id(1)?.text
        clientSessionID = row.id(2)?.text
        session = Session(
            connect: row.time(3), disconnect: row.optionalTime(4), reason: row.text(11),
            reasonTime: row.optionalTime(5),
            code: row.optionalInt(6).map { Int($0) }, codeTime: row.optionalTime(7), events: Int(row.int(8)))
        organizationID = row.text(9)
        type = row.text(10).flatMap { ConnectionType(rawValue: $0) } ?? .other
        method = ConnectionMethod(type)
        workspaceOwnerID = row.text(12)
        workspaceID = row.text(13)
        workspaceName = row.text(14)
        agentName = row.text(15)
        userID = row.text(16)
        ip = row.text(17)
        userAgent = row.text(18)
        slugOrPort = row.text(19)
        typeText = row.text(20)
        appName = row.text(21)
        let hour = ArrivalHour(hour: row.int(22))
        arrival = hour.isKnown ? hour.time : nil
    }
}
#endif
