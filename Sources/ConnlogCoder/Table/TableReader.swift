package import ConnlogCore
package import ConnlogSystem

/// Reads Coder's table again and again, so that each connect and each disconnect is handed over once.
///
/// Rows are not only added at the top: they come late, by clocks that are wrong, and change once more when the connection
/// ends. So (a) each interval everything from a few minutes before the mark on is read, (b) each second interval those that
/// are open, of which one that is missing is asked for by its connection, and (c) each hundred and twentieth, and at the
/// start, everything that `look_back` covers. (a) and (c) go through windows of time from old to new, so that whatever is
/// forgotten for want of room is the oldest. `TableMemory` is what is remembered, `TableWalk` how a window is read.
///
/// Belongs to one task. Between two calls of `poll` everything is stored.
package final class TableReader {
    package struct Settings: Sendable {
        package var interval = Duration.seconds(30)
        package var lookBack = Duration.seconds(7 * 86_400)
        package var startsAtEnd = false
        var limits = Limits()
        /// Stands in the events.
        package var name: String

        package init(name: String) { self.name = name }
    }

    struct Limits: Sendable {
        /// A window with more rows is divided.
        var windowRows = 5000
        /// So is one whose rows take more memory; an answer more, at most.
        var windowBytes = 32 << 20
        /// Requests of (a) in one call, about.
        var recentRequests = 100
        /// Requests of (c) in one call, about.
        var sweepRequests = 40
        /// Connections that are asked for one by one, in one call.
        var lookUps = 200
        var walk = TableWalk.Limits()
    }

    /// Why reading does not go on.
    package enum Stop: Error {
        case coder(CoderTrouble)
        case queue(AppendError)
    }

    /// Rows that come later than this into the part that was read are found by (c) only.
    static let slack = Duration.seconds(300)
    /// What lies further ahead is read each interval only while it is little.
    static let farAhead = Duration.seconds(900)
    /// Rows taken before the events so far are handed over.
    static let chunk = 200
    private static let firstWindow = TableTime.length(.seconds(3600))

    let settings: Settings
    let questions: TableQuestions
    let output: any EventOutput
    let status: SourceStatus
    let log: LogFunction
    let clock: any WallTime
    let events: RowEvents
    var memory: TableMemory
    var batch: EventBatch
    var counts = SourceCounts()
    /// How wide windows are, in microseconds.
    private var recentWidth = TableReader.firstWindow
    private var sweepWidth = TableReader.firstWindow
    /// Where (a) goes on, if it was not at its end.
    private var resume: TableTime?
    /// Up to here those that are open no more were asked for one by one.
    var lookedUpTo = TableTime.first
    private var sweep: Sweep?
    private var polls = 0
    private var openDue = Duration.zero
    var hasToldEdge = false
    var toldGivenUp = 0
    var toldMistakes: Set<String> = []

    /// A look through everything that is remembered.
    private struct Sweep {
        let begun: TableTime
        /// Everything up to here was looked through.
        var at: TableTime
    }

    package init(
        _ settings: Settings, _ questions: TableQuestions, _ output: any EventOutput, status: SourceStatus,
        clock: any WallTime = SystemWallTime(), log: @escaping LogFunction
    ) {
        self.settings = settings
        self.questions = questions
        self.output = output
        self.status = status
        self.clock = clock
        self.log = log
        events = RowEvents(source: settings.name)
        memory = TableMemory(output.checkpoints)
        batch = output.makeBatch()
    }

    var now: TableTime { TableTime(nanoseconds: clock.now()) }
    var uptime: Duration { .nanoseconds(clock.uptime()) }

    /// Looks for what is new, and hands it over.
    /// - Returns: whether there is more to be read at once.
    package func poll() async throws(Stop) -> Bool {
        status.turn()
        if !memory.hasBegun { try await begin() }
        let isAtEnd = try await readRecent()
        if uptime >= openDue {
            let requests = questions.requests
            try await readOpen()
            // Many open ones take their time: half of what may be asked is theirs at most.
            openDue = uptime + max(settings.interval * 2, .seconds(2 * (questions.requests - requests)))
        }
        guard isAtEnd else { return true }
        if polls % 120 == 0, sweep == nil { sweep = Sweep(begun: now, at: memory.edge) }
        polls += 1
        try await sweepOn()
        tellGivenUp()
        return false
    }

    /// Whether something that was begun is not at its end: for whoever reads once.
    package var isSweeping: Bool { sweep != nil }

    // MARK: The beginning

    private func begin() async throws(Stop) {
        settings.startsAtEnd ? try await beginAtEnd() : try await beginAtOldest()
        try await store()
    }

    /// Only what begins from now on, and the ends of what is open.
    private func beginAtEnd() async throws(Stop) {
        let page = try await asked { () async throws(CoderTrouble) in
            try await self.questions.page(.init(after: .first, before: self.now, limit: 1))
        }
        let newest = page.rows.first?.connect ?? now
        var walk = TableWalk(after: .first, before: newest, isOngoing: true, limits: settings.limits.walk)
        while let rows = try await next(&walk) {
            for row in rows { memory.watch(row) }
            try await store()
        }
        memory.begin(at: newest)
    }

    /// The day of the oldest row, by halves, or what `look_back` covers.
    private func beginAtOldest() async throws(Stop) {
        let day = TableTime.length(.seconds(86_400))
        var (low, high) = (Int64(0), now.microseconds / day + 1)
        while low < high {
            let middle = (low + high) / 2
            let before = TableTime(microseconds: middle * day)
            let page = try await asked { () async throws(CoderTrouble) in
                try await self.questions.page(.init(after: .first, before: before, limit: 1))
            }
            if page.size > 0 { high = middle } else { low = middle + 1 }
        }
        // Late rows may come before the oldest that there is.
        let oldest = TableTime.first.advanced(by: (low - 1) * day)
        memory.begin(at: min(oldest, now.advanced(by: .seconds(0) - settings.lookBack)))
    }

    // MARK: (a) What is new

    /// - Returns: `false`: there is more, and it is time to look at something else.
    private func readRecent() async throws(Stop) -> Bool {
        let begun = now
        let requests = questions.requests
        // A clock may be set back.
        let start = resume ?? min(memory.mark, begun).advanced(by: .seconds(0) - TableReader.slack)
        var from = max(memory.edge, start)
        let top = begun.advanced(by: TableReader.farAhead)
        while from < top {
            let to = top.since(from) <= recentWidth ? top : from.advanced(by: recentWidth)
            if try await window(from, to, &recentWidth) {
                from = to
                memory.mark = max(memory.mark, min(to, begun))
                try await store()
            }
            if from < begun, questions.requests - requests >= settings.limits.recentRequests {
                resume = from
                return false
            }
        }
        resume = nil
        if memory.knownCount(after: top) <= TableQuestions.pageSize { try await readAhead(top) }
        return true
    }

    /// What clocks that go wrong have put into the future.
    private func readAhead(_ top: TableTime) async throws(Stop) {
        guard top < memory.ceiling else { return }
        try await stream(top, memory.ceiling.advanced(by: -1))
    }

    // MARK: (c) Everything once more

    private func sweepOn() async throws(Stop) {
        guard var sweep else { return }
        let requests = questions.requests
        while sweep.at < memory.mark {
            if questions.requests - requests >= settings.limits.sweepRequests {
                self.sweep = sweep
                return
            }
            sweep.at = max(sweep.at, memory.edge)
            let to =
                memory.mark.since(sweep.at) <= sweepWidth ? memory.mark : sweep.at.advanced(by: sweepWidth)
            guard try await window(sweep.at, to, &sweepWidth) else { continue }
            sweep.at = to
            self.sweep = sweep
        }
        try await readAhead(now.advanced(by: TableReader.farAhead))
        self.sweep = nil
        let edge = min(sweep.begun, memory.mark).advanced(by: .seconds(0) - settings.lookBack)
        memory.forget(upTo: edge)
        try await store()
    }

    // MARK: Windows

    /// Takes the rows of a window, from old to new.
    /// - Returns: `false`: there are too many, none was taken, and the width is less now.
    private func window(_ from: TableTime, _ to: TableTime, _ width: inout Int64) async throws(Stop) -> Bool {
        guard to.since(from) > 1 else {
            // Of one microsecond none is older, and there is nothing to divide.
            try await stream(from, to)
            width = 2
            return true
        }
        var walk = TableWalk(after: from.advanced(by: 1), before: to, limits: settings.limits.walk)
        var rows: [CoderRow] = []
        var bytes = 0
        while let more = try await next(&walk) {
            rows += more
            bytes += more.reduce(0) { $0 + $1.byteCount }
            guard rows.count > settings.limits.windowRows || bytes > settings.limits.windowBytes else { continue }
            let reached = rows.map(\.connect).min() ?? to
            width = max(1, min(to.since(from), to.since(reached)) / 2)
            return false
        }
        if rows.count < settings.limits.windowRows / 4, bytes < settings.limits.windowBytes / 4 {
            width = min(max(width, 1) * 2, TableTime.last.microseconds)
        }
        try await take(rows.sorted { ($0.connect, $0.end ?? .last) < ($1.connect, $1.end ?? .last) })
        return true
    }

    /// Takes the rows of a range as they come.
    private func stream(_ from: TableTime, _ to: TableTime) async throws(Stop) {
        var walk = TableWalk(after: from.advanced(by: 1), before: to, limits: settings.limits.walk)
        while let rows = try await next(&walk) { try await take(rows.reversed()) }
    }
}
