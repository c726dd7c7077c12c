/// The addresses that were not seen before a question's range began, of what whoever asks may see: for `new:ip`.
///
/// An address is known by its 16 bytes, a text that is none by itself. Whether one was seen is asked of the rows that have
/// it, not of the texts that there are: anybody can write an address into a user agent.
///
/// Each partition's texts are read once, and its rows once at most, however many addresses there are.
struct FreshAddresses: Sendable {
    /// By partition, its numbers of those that rows in the range have there.
    private let numbers: [Int64: [Int64]]
}

#if Server
import GRDB

extension FreshAddresses {
    private enum Address: Hashable {
        case bytes([UInt8])
        case text(String)

        /// - Parameter row: number, folded text, address.
        init(_ row: Columns) { self = row.isNull(2) ? .text(row.text(1) ?? "") : .bytes(row.bytes(2)) }
    }

    /// - Parameters:
    ///   - asked: one plan for each partition, of the rows in the range.
    ///   - before: the same of the rows before it.
    init(asked: [PartitionQuery], before: [PartitionQuery], _ database: Database) throws {
        var left: Set<Address> = []
        var places: [(partition: Partition, addresses: [(number: Int64, address: Address)])] = []
        for plan in asked where !plan.isEmpty {
            let addresses = try FreshAddresses.addresses(plan, database)
            for found in addresses { left.insert(found.address) }
            places.append((plan.partition, addresses))
        }
        for plan in before where !plan.isEmpty && !left.isEmpty {
            try FreshAddresses.remove(&left, seenIn: plan, database)
        }
        var numbers: [Int64: [Int64]] = [:]
        for place in places {
            numbers[place.partition.number] = place.addresses.filter { left.contains($0.address) }.map(\.number)
        }
        self.numbers = numbers
    }

    /// What a partition has them as. Rows before the range have none of them.
    func numbers(_ partition: Partition) -> [Int64] { numbers[partition.number] ?? [] }

    /// Those of a partition's rows.
    private static func addresses(
        _ plan: PartitionQuery, _ database: Database
    ) throws -> [(number: Int64, address: Address)] {
        var isThere: Set<Int64> = []
        let source = plan.source
        try database.prepared("SELECT ip \(source.text)").each(source.arguments) { row in
            if let number = row.optionalInt(0) { isThere.insert(number) }
            return true
        }
        if isThere.isEmpty { return [] }
        var found: [(number: Int64, address: Address)] = []
        try eachText(plan.partition, database) { row in
            if isThere.contains(row.int(0)) { found.append((row.int(0), Address(row))) }
        }
        return found
    }

    private static func remove(
        _ left: inout Set<Address>, seenIn plan: PartitionQuery, _ database: Database
    ) throws {
        var known: [Int64: Address] = [:]
        try eachText(plan.partition, database) { row in
            let address = Address(row)
            if left.contains(address) { known[row.int(0)] = address }
        }
        if known.isEmpty { return }
        let source = plan.source
        // A common one is found among the first rows; when all are, no more rows are looked at.
        try database.prepared("SELECT ip \(source.text)").each(source.arguments) { row in
            if let number = row.optionalInt(0), let found = known.removeValue(forKey: number) { left.remove(found) }
            return !known.isEmpty
        }
    }

    private static func eachText(
        _ partition: Partition, _ database: Database, _ body: (Columns) throws -> Void
    ) throws {
        try Task.checkCancellation()
        try database.prepared("SELECT number, folded, address FROM \(partition.texts)").each([]) { row in
            try body(row)
            return true
        }
    }
}
#endif
