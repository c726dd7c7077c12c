#if Server
import ConnlogCore
import GRDB

/// The numbers of texts in a partition, most of them remembered.
struct TextNumbers {
    private struct Place<Key: Hashable>: Hashable {
        let partition: Int64
        let key: Key
    }

    private var texts: [Place<String>: Int64] = [:]
    private var ids: [Place<Identifier>: Int64] = [:]

    /// So many are remembered, a few MiB; then all are forgotten.
    private static let countMax = 50_000

    mutating func removeAll() {
        texts.removeAll(keepingCapacity: true)
        ids.removeAll(keepingCapacity: true)
    }

    mutating func number(of id: Identifier, _ state: PartitionState, _ database: Database) throws -> Int64 {
        let place = Place(partition: state.partition.number, key: id)
        if let number = ids[place] { return number }
        let number = try TextNumbers.stored(id.text, state.statements(database), database)
        if ids.count >= TextNumbers.countMax { ids.removeAll(keepingCapacity: true) }
        ids[place] = number
        return number
    }

    mutating func number(of text: String, _ state: PartitionState, _ database: Database) throws -> Int64 {
        let place = Place(partition: state.partition.number, key: text)
        if let number = texts[place] { return number }
        let number = try TextNumbers.stored(text, state.statements(database), database)
        if texts.count >= TextNumbers.countMax { texts.removeAll(keepingCapacity: true) }
        texts[place] = number
        return number
    }

    private static func stored(
        _ text: String, _ statements: PartitionStatements, _ database: Database
    ) throws -> Int64 {
        if let number = try statements.findText.first([.text(text)], { $0.int(0) }) { return number }
        let address = AddressBlock(text).map { SQLValue.bytes($0.bytes.lowest) }
        try statements.insertText.run([.text(text), .text(text.lowercased()), address ?? .null])
        return database.lastInsertedRowID
    }
}
#endif
