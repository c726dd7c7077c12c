#if Server
import ConnlogCore
import GRDB

extension ConnectionStore {
    /// How many connections began when, and whose.
    package struct Stats: Sendable, Equatable {
        package var count = 0
        package var types: [String: Int] = [:]
        /// Those with connections, in order of time. The first one's may be before the range; nothing before that is counted.
        package var buckets: [Bucket] = []
        /// How many connections that have ended lasted how long, by `lengthBounds`.
        package var lengths: [Int] = []
        /// How many agents' connections were open at once at most, for each bucket.
        package var concurrent: [Point] = []
        /// In how many seconds a connection counts as open at once with another one: 1 up to a range of 12 days, 60 up to two
        /// years.
        package var concurrentSeconds: Int64 = 1
        package var facets: [Facet: FacetCounts] = [:]

        /// In microseconds; the last kind is what is longer than all of these.
        package static let lengthBounds = [60, 600, 3600, 14_400, 28_800, 86_400].map {
            Microseconds.length(seconds: $0)
        }

        package struct Point: Sendable, Equatable {
            package var time: Microseconds
            package var count: Int
        }

        package struct Bucket: Sendable, Equatable {
            package var start: Microseconds
            package var types: [String: Int]
        }
    }

    /// The values of a facet that most connections have.
    package struct FacetCounts: Sendable, Equatable {
        /// The most first; of as many in the order of their texts.
        package var values: [Value] = []
        /// How many values there are.
        package var distinct = 0
        /// Connections that have no value.
        package var without = 0
        /// There were more values than are kept while counting: of the rare ones some are missing.
        package var isExact = true

        package init() {}

        init(values: [Value], distinct: Int, without: Int, isExact: Bool) {
            (self.values, self.distinct, self.without, self.isExact) = (values, distinct, without, isExact)
        }

        package struct Value: Sendable, Equatable {
            /// An id or a text.
            package var value: String
            /// Of a workspace, as its newest connection has it; else empty.
            package var name = ""
            /// Of a workspace, its owner's id.
            package var owner = ""
            package var count: Int
        }
    }

    /// Counts in one look at each row.
    package func stats(_ query: RowQuery, _ question: StatsQuestion) async throws(StoreProblem) -> Stats {
        try refuseLarge(query)
        return try await read { try $0.stats(query, question) }
    }
}

extension StoreReader {
    func stats(_ query: RowQuery, _ question: StatsQuestion) throws -> ConnectionStore.Stats {
        let tally = StatsTally(question)
        // What began before the range may be open in it.
        let open = FilterCondition.during(
            MomentRange(
                from: question.range.lowerBound.nanoseconds,
                through: question.range.upperBound.advanced(by: -1).nanoseconds))
        let wanted = question.isBounded ? query.with([.init(.row(open))]) : query
        for plan in try plans(wanted) where !plan.isEmpty {
            try Task.checkCancellation()
            try tally.add(plan, database)
        }
        return tally.stats
    }
}
#endif
