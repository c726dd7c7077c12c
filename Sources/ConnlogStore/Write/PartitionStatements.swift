#if Server
import GRDB

/// What is done to one partition again and again, prepared once: finding a statement by its text costs as much as a
/// small one takes.
final class PartitionStatements {
    let find: Prepared
    let insert: Prepared
    let insertKey: Prepared
    let setTime: Prepared
    let setClosed: Prepared
    let setSession: Prepared
    let setArrival: Prepared
    let countMore: Prepared
    let insertMore: Prepared
    let findText: Prepared
    let insertText: Prepared

    init(_ partition: Partition, _ database: Database) throws {
        func prepare(_ sql: String) throws -> Prepared { Prepared(try database.makeStatement(sql: sql)) }
        find = try prepare(StoredRow.sql(partition))
        insert = try prepare(
            "INSERT INTO \(partition.rows) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)")
        insertKey = try prepare("INSERT OR IGNORE INTO \(partition.keys) VALUES (?, ?)")
        setTime = try prepare("UPDATE \(partition.rows) SET time = ? WHERE row = ?")
        setClosed = try prepare("UPDATE \(partition.rows) SET open = NULL WHERE row = ?")
        setSession = try prepare(
            """
            UPDATE \(partition.rows) SET disconnect = ?, reason = ?, reason_time = ?, code = ?, code_time = ?, events = ?,
                second = ifnull(second, ?) WHERE row = ?
            """)
        setArrival = try prepare("UPDATE \(partition.rows) SET arrival = ? WHERE row = ?")
        countMore = try prepare("SELECT count(*) FROM \(partition.more) WHERE row = ?")
        insertMore = try prepare("INSERT OR IGNORE INTO \(partition.more) VALUES (?, ?)")
        findText = try prepare("SELECT number FROM \(partition.texts) WHERE text = ?")
        insertText = try prepare("INSERT INTO \(partition.texts)(text, folded, address) VALUES (?, ?, ?)")
    }
}
#endif
