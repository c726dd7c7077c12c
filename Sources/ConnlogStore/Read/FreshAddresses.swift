#if Server
import ConnlogCore
import GRDB

/// The addresses that were not seen before a question's range began, of what whoever asks may see: for `new:ip`.
///
/// An address is known by its 16 bytes, a text that is none by itself. Whether one was seen is asked of the rows that have
/// it, not of the texts that there are: anybody can write an address into a user agent.
struct FreshAddresses {
    private let texts: Set<Address>

    private enum Address: Hashable {
        case bytes([UInt8])
        case text(String)
    }

    /// - Parameters:
    ///   - asked: one plan for each partition, of the rows in the range.
    ///   - before: the same of the rows before it.
    init(asked: [PartitionQuery], before: [PartitionQuery], _ database: Database) throws {
        var left: Set<Address> = []
        for plan in asked where !plan.isEmpty {
            try Task.checkCancellation()
            let source = plan.source
            let sql = """
                SELECT folded, address FROM \(plan.partition.texts)
                WHERE number IN (SELECT ip \(source.text) WHERE ip IS NOT NULL)
                """
            for address in try database.all(sql, source.arguments, FreshAddresses.address) { left.insert(address) }
        }
        for plan in before where !plan.isEmpty && !left.isEmpty {
            try Task.checkCancellation()
            try FreshAddresses.remove(&left, seenIn: plan, database)
        }
        texts = left
    }

    private static func remove(
        _ left: inout Set<Address>, seenIn plan: PartitionQuery, _ database: Database
    ) throws {
        var known: [Int64: Address] = [:]
        for address in left {
            for number in try numbers(address, plan.partition, database) { known[number] = address }
        }
        if known.isEmpty { return }
        let wanted = SQLPiece.oneOf(["ip"], known.keys.sorted())
        let source = plan.source
        // A common one is found among the first rows, and then looked for no more.
        try database.prepared("SELECT ip \(source.text) WHERE \(wanted.text)").each(source.arguments + wanted.arguments)
        {
            if let found = known.removeValue(forKey: $0.int(0)) { left.remove(found) }
            return !known.isEmpty
        }
    }

    /// What a partition has them as.
    func numbers(_ partition: Partition, _ database: Database) throws -> [Int64] {
        try texts.flatMap { try FreshAddresses.numbers($0, partition, database) }.sorted()
    }

    private static func numbers(
        _ address: Address, _ partition: Partition, _ database: Database
    ) throws -> [Int64] {
        switch address {
        case .bytes(let bytes):
            let sql = "SELECT number FROM \(partition.texts) WHERE address = ?"
            return try database.all(sql, [.bytes(bytes)]) { $0.int(0) }
        case .text(let text):
            let sql = "SELECT number FROM \(partition.texts) WHERE folded = ? AND address IS NULL"
            return try database.all(sql, [.text(text)]) { $0.int(0) }
        }
    }

    private static func address(_ row: Columns) -> Address {
        row.isNull(1) ? .text(row.text(0) ?? "") : .bytes(row.bytes(1))
    }
}
#endif
