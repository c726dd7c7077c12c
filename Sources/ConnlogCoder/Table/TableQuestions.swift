import ConnlogCore
package import ConnlogSystem

/// Asks for rows of Coder's table, at a pace that leaves Coder's limits to others too. Used by one task.
///
/// Coder allows 512 requests a minute (`CODER_API_RATE_LIMIT`). Here go twenty at once and four a second after them; and
/// none when less than a quarter of what Coder allows is left, until it counts anew.
package final class TableQuestions {
    /// Which rows.
    struct Query: Sendable, Equatable {
        /// Both included.
        var after: TableTime
        var before: TableTime?
        var isOngoing = false
        var connection: RowID?
        var limit = TableQuestions.pageSize
        var offset = 0

        /// What stands after `connectionlog?`.
        var text: String {
            var terms = ["connected_after:\"\(after.text)\""]
            if let before { terms.append("connected_before:\"\(before.text)\"") }
            if isOngoing { terms.append("status:ongoing") }
            if let connection { terms.append("connection_id:\(connection.text)") }
            let escaped = terms.joined(separator: " ").replacing("\"", with: "%22").replacing(" ", with: "%20")
            return "q=\(escaped.replacing(":", with: "%3A"))&limit=\(limit)" + (offset > 0 ? "&offset=\(offset)" : "")
        }
    }

    /// An answer.
    struct Page: Sendable {
        var rows: [CoderRow] = []
        /// Rows that cannot be used, by what is wrong with them.
        var mistakes: [String] = []
        /// What Coder says that there are, which need not be so.
        var count: Int64 = 0
        var size: Int { rows.count + mistakes.count }
    }

    static let pageSize = 500
    static let requestsAtOnce = 20.0
    static let requestsPerSecond = 4.0
    private static let triesMax = 5

    let api: CoderAPI
    private let pause: @Sendable (Duration) async -> Void
    private let clock: any WallTime
    /// Gets each time that Coder asks for a pause.
    private let busy: @Sendable (CoderTrouble) -> Void
    /// The most rows that came in one answer: a smaller one may be the last.
    private(set) var largestPage = 0
    /// So far.
    private(set) var requests = 0
    private var allowance = TableQuestions.requestsAtOnce
    private var askedAt: Int64
    private var rate: HTTPRateLimit?

    /// - Parameters:
    ///   - pause: waits, or returns early when the task is cancelled.
    package init(
        _ api: CoderAPI, clock: any WallTime = SystemWallTime(),
        pause: @escaping @Sendable (Duration) async -> Void = { try? await Task.sleep(for: $0) },
        busy: @escaping @Sendable (CoderTrouble) -> Void = { _ in }
    ) {
        self.api = api
        self.clock = clock
        self.pause = pause
        self.busy = busy
        askedAt = clock.uptime()
    }

    /// Waits as long as Coder asks for, and asks again.
    func page(_ query: Query) async throws(CoderTrouble) -> Page {
        var tries = 0
        while true {
            await keepPace()
            do throws(CoderTrouble) {
                requests += 1
                let answer = try await api.ask("connectionlog?\(query.text)", CoderTrouble.rows)
                rate = answer.rate
                let page = try read(answer.value)
                guard page.size <= query.limit else { throw strange() }
                largestPage = max(largestPage, page.size)
                return page
            } catch {
                tries += 1
                guard case .busy(let wait) = error.kind, tries < TableQuestions.triesMax, !Task.isCancelled else {
                    throw error
                }
                busy(error)
                await pause(wait)
            }
        }
    }

    func strange() -> CoderTrouble {
        CoderTrouble(.strange, "\(api.base) answers the question for connection logs with something else")
    }

    /// Pages that lead nowhere.
    func endless() -> CoderTrouble {
        CoderTrouble(
            .strange, "\(api.base) gives pages of connection logs without an end, which is none of Coder's answers")
    }

    private func read(_ answer: JSONValue) throws(CoderTrouble) -> Page {
        guard let list = answer["connection_logs"]?.array else { throw strange() }
        var page = Page()
        for value in list {
            do throws(CoderRow.Mistake) {
                page.rows.append(try CoderRow(value))
            } catch {
                page.mistakes.append(error.text)
            }
        }
        page.count = answer["count"]?.integer ?? Int64(list.count)
        return page
    }

    /// How long Coder's own figures ask to wait: a second to a minute; `nil`: enough is left. They may say anything.
    static func wait(_ rate: HTTPRateLimit, now: Nanoseconds) -> Duration? {
        func bounded(_ figure: Int?) -> Int? { figure.map { min(max($0, 0), 1_000_000_000) } }
        guard let limit = bounded(rate.limit), let remaining = bounded(rate.remaining), remaining * 4 < limit else {
            return nil
        }
        let (left, overflows) = (rate.reset ?? 0).subtractingReportingOverflow(now / 1_000_000_000)
        return .seconds(min(60, max(1, overflows ? 1 : left)))
    }

    private func keepPace() async {
        if let rate {
            self.rate = nil
            if let wait = TableQuestions.wait(rate, now: clock.now()) { await pause(wait) }
        }
        let now = clock.uptime()
        let passed = Double(max(0, now - askedAt)) / 1e9
        allowance = min(TableQuestions.requestsAtOnce, allowance + passed * TableQuestions.requestsPerSecond)
        askedAt = now
        if allowance < 1 { await pause(.seconds((1 - allowance) / TableQuestions.requestsPerSecond)) }
        // What was waited for is added the next time.
        allowance -= 1
    }
}
