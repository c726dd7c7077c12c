#if Server
import ConnlogCore
import ConnlogSystem
import GRDB

/// A query as one partition sees it: which index to go along, and what to ask of each row there.
///
/// Every piece of SQL here is made of names of columns and `?`; what users write is only ever bound.
struct PartitionQuery {
    /// Which index is gone along, newest first. All but `time` are gone along once for each class.
    enum Path: Equatable {
        case time
        case rowClass
        /// Agents' connections without an end.
        case open
        case owner, workspace, user
        /// Two indices, of who was recorded and who was inferred.
        case person
        /// Rows found by a connection's id.
        case keys
    }

    let partition: Partition
    let extent: StoreReader.Extent
    /// For `new:ip`.
    let fresh: FreshAddresses?
    let hash: KeyHash
    private(set) var path = Path.rowClass
    /// Numbers of owners, workspaces or people, by `path`; hashes for `keys`.
    private(set) var values: [Int64] = []
    /// The classes that the query takes; `nil` when it asks for nothing that a class decides.
    var classes: [RowClassNumber] = []
    var from: Microseconds?
    var through: Microseconds?
    /// Open at this time or later: rows that begin earlier are looked for in other indices.
    var overlap: Microseconds?
    /// What is asked of each row beside all that.
    var filter = SQLPiece.none
    /// No row can match.
    var isEmpty = false
    var needsOnlyClass = true

    struct RowClassNumber {
        let number: Int64
        let rowClass: RowClass
        /// What is asked of rows of this class alone.
        var filter = SQLPiece.none
    }

    /// So many classes are gone along side by side; beyond, it is cheaper to look at every row.
    private static let classesMax = 256
    /// So many conditions are gone along side by side, each in a statement of its own, or a term of one: SQLite takes 500.
    static let startsMax = 400

    init(
        _ query: RowQuery, _ extent: StoreReader.Extent, _ classes: [RowClassNumber], _ hash: KeyHash,
        _ fresh: FreshAddresses?, _ database: Database
    ) throws {
        partition = extent.partition
        self.extent = extent
        self.fresh = fresh
        self.hash = hash
        self.classes = classes
        var candidates: [(path: Path, values: [Int64])] = []
        for term in query.terms {
            try add(term, &candidates, database)
            if isEmpty || self.classes.isEmpty || isOutsideAllTimes {
                isEmpty = true
                return
            }
        }
        try choose(candidates, database)
    }

    private var isOutsideAllTimes: Bool {
        guard let from, let through else { return false }
        return from > through
    }

    /// So few connections without an end are looked through whoever's they are; a person's may be many more.
    private static let openMax = 2000

    /// The narrowest index first.
    private mutating func choose(_ candidates: [(path: Path, values: [Int64])], _ database: Database) throws {
        var order = [Path.keys, .workspace, .user, .person, .owner, .open]
        if candidates.count > 1, candidates.contains(where: { $0.path == .open }) {
            let sql = "SELECT count(*) FROM (SELECT 1 FROM \(partition.rows) INDEXED BY \(partition.rows)_open "
            let count = try database.first(sql + "WHERE open = 1 LIMIT ?)", [.int(PartitionQuery.openMax)]) {
                $0.int(0)
            }
            if count ?? 0 < PartitionQuery.openMax { order = [.keys, .open] + order }
        }
        for path in order {
            guard let found = candidates.first(where: { $0.path == path }) else { continue }
            self.path = path
            values = found.values
            return
        }
        if classes.count > PartitionQuery.classesMax { path = .time }
    }
}
#endif
