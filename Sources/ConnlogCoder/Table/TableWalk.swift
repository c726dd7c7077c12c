/// Goes over the rows of a time range, newest first, each once, whatever comes in or goes meanwhile.
///
/// Coder's pages have no key to go on from, and an offset counts from a top that moves. So each page asks for what is not
/// newer than the oldest row so far, that microsecond included, and rows of it that were seen are left out. Only where a
/// page does not leave one microsecond does an offset count within it. What the pages say of their number is believed only
/// together with a page that is smaller than another was. Each question asks for less than the one before, and there are
/// bounds for pages that bring nothing, for rows of one microsecond and for all pages, so there is an end whatever is
/// answered.
struct TableWalk {
    private var query: TableQuestions.Query
    /// Seen, of the microsecond at which the next page begins.
    private var boundary: Set<RowID> = []
    private var isOver = false
    /// Within one microsecond.
    private var inside: Inside?

    private struct Inside {
        var offset = 0
        var rows = 0
        /// Ties have no order, so what pages of one microsecond repeat another may have passed over.
        var rounds = 1
    }

    private static let roundsMax = 3
    /// Where an answer cannot be believed any more.
    struct Limits: Sendable {
        /// Pages one after the other without a row that is new.
        var barrenPages = 50
        /// 200 times as many rows as were seen in one microsecond; what is beyond is told and passed over.
        var rowsInside = 50_000
        /// Seven hours of them, at the pace at which Coder is asked.
        var pages = 100_000
    }

    private let limits: Limits
    private var pages = 0
    private var barren = 0
    /// Rows that could not be used, by what is wrong.
    private(set) var mistakes: [String] = []

    /// - Parameters:
    ///   - after: included, as `before` is.
    ///   - before: `nil`: whatever is newest.
    init(after: TableTime, before: TableTime?, isOngoing: Bool = false, limits: Limits = Limits()) {
        self.limits = limits
        query = TableQuestions.Query(after: max(after, .first), before: before, isOngoing: isOngoing)
        if let before, before < query.after { isOver = true }
    }

    /// The next rows that were not there before, newest first; `nil` at the end.
    mutating func next(_ questions: TableQuestions) async throws(CoderTrouble) -> [CoderRow]? {
        while !isOver {
            let fresh = inside == nil ? try await below(questions) : try await within(questions)
            guard fresh.isEmpty else {
                barren = 0
                return fresh
            }
            barren += 1
            if barren > limits.barrenPages { throw questions.endless() }
        }
        return nil
    }

    /// The next page.
    private mutating func below(_ questions: TableQuestions) async throws(CoderTrouble) -> [CoderRow] {
        let largest = questions.largestPage
        let page = try await ask(questions)
        guard let oldest = page.rows.map(\.connect).min() else {
            // Nobody knows where to go on.
            if page.size >= query.limit { throw questions.strange() }
            isOver = true
            return []
        }
        let before = query.before
        var fresh: [CoderRow] = []
        var seen = boundary
        for row in page.rows where seen.insert(row.id).inserted { fresh.append(row) }
        if page.size < min(query.limit, largest), page.count <= Int64(page.size) { isOver = true }
        if oldest == before {
            boundary = seen
            inside = Inside()
        } else {
            boundary = Set(page.rows.lazy.filter { $0.connect == oldest }.map(\.id))
            query.before = oldest
        }
        return fresh
    }

    /// The next page of one microsecond.
    private mutating func within(_ questions: TableQuestions) async throws(CoderTrouble) -> [CoderRow] {
        guard var inside, let before = query.before else { return [] }
        var asked = query
        asked.after = before
        asked.offset = inside.offset
        let page = try await ask(questions, asked)
        let fresh = page.rows.filter { boundary.insert($0.id).inserted }
        inside.rows += page.size
        inside.offset += page.size
        if boundary.count > limits.rowsInside {
            mistakes.append("more than \(limits.rowsInside) rows of one microsecond, \(before.text)")
            leave(before)
            return fresh
        }
        // The first page is one that was seen.
        if page.size == 0 || fresh.isEmpty && inside.offset > page.size {
            if inside.rows - (page.size == 0 ? 0 : page.size) > boundary.count, inside.rounds < TableWalk.roundsMax {
                self.inside = Inside(rounds: inside.rounds + 1)
            } else {
                leave(before)
            }
        } else {
            self.inside = inside
        }
        return fresh
    }

    /// Goes on with what is older than a microsecond.
    private mutating func leave(_ time: TableTime) {
        inside = nil
        boundary = []
        query.before = time.advanced(by: -1)
        if time <= query.after { isOver = true }
    }

    private mutating func ask(
        _ questions: TableQuestions, _ asked: TableQuestions.Query? = nil
    ) async throws(CoderTrouble) -> TableQuestions.Page {
        pages += 1
        if pages > limits.pages { throw questions.endless() }
        let asked = asked ?? query
        let page = try await questions.page(asked)
        // Whoever pays no heed to the question would be asked for ever.
        let isAnswer = page.rows.allSatisfy { $0.connect >= asked.after && $0.connect <= asked.before ?? .last }
        guard isAnswer else { throw questions.strange() }
        if mistakes.count < 100 { mistakes += page.mistakes }
        return page
    }
}
