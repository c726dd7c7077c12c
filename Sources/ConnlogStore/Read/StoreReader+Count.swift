#if Server
import GRDB
import Synchronization

/// How many rows match, as far as there was time to count them.
package struct RowCount: Sendable, Equatable {
    package var rows: Int
    /// There are so many, and not more.
    package var isExact: Bool

    package init(rows: Int, isExact: Bool) { (self.rows, self.isExact) = (rows, isExact) }
}

/// How many have been counted so far, for whoever stops waiting.
final class CountSoFar: Sendable {
    private let rows = Mutex(0)

    var value: Int {
        get { rows.withLock { $0 } }
        set { rows.withLock { $0 = newValue } }
    }
}

extension ConnectionStore {
    /// How many match: all of them where a beginning in time or the census bounds what is looked at, else up to `cap`, where
    /// `cap` + 1 says that there are more.
    /// - Parameter deadline: what was counted by then is told, up to `cap` + 1, and that it is not exact.
    package func count(
        _ query: RowQuery, cap: Int, until deadline: ContinuousClock.Instant
    ) async throws(StoreProblem) -> RowCount {
        try refuseLarge(query)
        let (soFar, left) = (CountSoFar(), deadline - .now)
        guard left > .zero else { return RowCount(rows: 0, isExact: false) }
        do {
            return try await withLimit(left, tooLong: StoreProblem("counting took longer than \(left)", .tooLong)) {
                try await self.read { try $0.count(query, cap: cap, until: deadline, soFar) }
            }
        } catch {
            let problem = ConnectionStore.problem(error, path)
            guard problem.kind == .tooLong else { throw problem }
            return RowCount(rows: min(soFar.value, cap + 1), isExact: false)
        }
    }
}

extension StoreReader {
    /// How many rows match, up to `cap` + 1, which says that there are more; a cap of 0 counts all.
    func count(_ query: RowQuery, cap: Int) throws -> Int {
        let limit = cap <= 0 || cap == .max ? Int.max : cap + 1
        var count = 0
        let fresh = try freshAddresses(query)
        for extent in partitions where count < limit {
            let plan = try plan(query, extent, fresh)
            if plan.isCensus {
                count += try census(plan)
            } else {
                count += try plan.count(limit: limit - count, database)
            }
        }
        return min(count, limit)
    }

    /// First up to `cap` + 1 of the newest, which is told soon where they are many; then all where something bounds what is
    /// looked at.
    func count(
        _ query: RowQuery, cap: Int, until deadline: ContinuousClock.Instant, _ soFar: CountSoFar
    ) throws -> RowCount {
        let meter = LookMeter(.time(until: deadline, atLeast: .zero))
        let newest = try places(query, freshAddresses(query), after: nil, offset: 0, limit: cap + 1, meter)
        soFar.value = newest.places.count
        if newest.places.count <= cap {
            return RowCount(rows: newest.places.count, isExact: newest.reached == nil)
        }
        let plans = try plans(query)
        guard query.begin != nil || plans.allSatisfy({ $0.isEmpty || $0.isCensus }) else {
            return RowCount(rows: cap + 1, isExact: false)
        }
        let all = try plans.reduce(0) { sum, plan in
            sum + (plan.isCensus ? try census(plan) : try plan.count(limit: .max, database))
        }
        return RowCount(rows: all, isExact: true)
    }

    func census(_ plan: PartitionQuery) throws -> Int {
        if plan.isEmpty { return 0 }
        let wanted = Set(plan.classes.map(\.number))
        return try censusOf(plan.partition).reduce(0) { wanted.contains($1.key) ? $0 + $1.value : $0 }
    }

    func censusOf(_ partition: Partition) throws -> [Int64: Int] {
        let counts = try database.all(
            "SELECT class, rows FROM census WHERE partition = ? AND rows > 0", [.int(partition.number)]
        ) { ($0.int(0), Int($0.int(1))) }
        return Dictionary(counts, uniquingKeysWith: +)
    }
}
#endif
