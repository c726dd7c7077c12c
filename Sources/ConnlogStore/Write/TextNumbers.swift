#if Server
import ConnlogCore
import GRDB

/// The numbers of texts in a partition, most of them remembered.
struct TextNumbers {
    private struct Place<Key: Hashable>: Hashable {
        let partition: Int64
        let key: Key
    }

    private var texts: [Place<ExactText>: Int64] = [:]
    private var ids: [Place<Identifier>: Int64] = [:]

    /// So many are remembered, and so many bytes of texts; then all are forgotten.
    private static let countMax = 50_000
    static let bytesMax = 4 << 20
    /// A longer one, of which there may be a different one in each event, is looked for each time.
    static let textBytesMax = 4 << 10

    /// Of the texts that are remembered.
    private(set) var bytes = 0

    mutating func removeAll() {
        removeTexts()
        ids.removeAll(keepingCapacity: true)
    }

    private mutating func removeTexts() {
        texts.removeAll(keepingCapacity: true)
        bytes = 0
    }

    mutating func number(of id: Identifier, _ state: PartitionState, _ database: Database) throws -> Int64 {
        // One that is no UUID is as long as somebody made it.
        if case .exact(let exact) = id { return try number(of: exact.text, state, database) }
        let place = Place(partition: state.partition.number, key: id)
        if let number = ids[place] { return number }
        let number = try TextNumbers.stored(id.text, state.statements(database), database)
        if ids.count >= TextNumbers.countMax { ids.removeAll(keepingCapacity: true) }
        ids[place] = number
        return number
    }

    mutating func number(of text: String, _ state: PartitionState, _ database: Database) throws -> Int64 {
        let place = Place(partition: state.partition.number, key: ExactText(text))
        if let number = texts[place] { return number }
        let number = try TextNumbers.stored(text, state.statements(database), database)
        let size = text.utf8.count
        if size > TextNumbers.textBytesMax { return number }
        if texts.count >= TextNumbers.countMax || bytes + size > TextNumbers.bytesMax { removeTexts() }
        texts[place] = number
        bytes += size
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
