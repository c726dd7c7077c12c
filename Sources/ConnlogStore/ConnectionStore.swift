#if Server
package import ConnlogCore
package import ConnlogSystem
import GRDB
import Synchronization

/// The connections, in one SQLite file: a row for each, merged from its events, and the events as they were received.
///
/// One process writes; any number of readers ask beside it, in this process or in others, each seeing what was there when
/// it began to ask. Reading waits for the disk, so the functions that answer questions are `async` and run on threads of
/// the database's own. Cancelling the task interrupts a question that takes long.
package final class ConnectionStore: Sendable {
    package let path: String
    private let access: StoreAccess
    private let partitionRows: Int64
    private let isReadingOnly: Bool
    private let pace: CheckpointPace
    private let questionLimit: Duration
    private let bell = Bell()
    private let lastTrouble = Mutex<StoreProblem?>(nil)

    /// Opens the file, makes it if there is none, and brings one of an older version up to date, after copying it to
    /// `<path>.v<version>`.
    /// - Parameters:
    ///   - cacheBytes: of pages in memory, for the writer; each of the four readers gets a quarter.
    ///   - partitionRows: how many rows one set of tables gets; for tests.
    /// - Throws: `StoreProblem`, with the place and the next step.
    package convenience init(_ path: String, cacheBytes: Int) throws(StoreProblem) {
        try self.init(path, cacheBytes: cacheBytes, partitionRows: StoreWriter.partitionRows)
    }

    package convenience init(
        _ path: String, cacheBytes: Int, partitionRows: Int64, questionLimit: Duration = ConnectionStore.questionLimit
    ) throws(StoreProblem) {
        try self.init(
            path, cacheBytes: cacheBytes, partitionRows: partitionRows, pace: CheckpointPace(),
            questionLimit: questionLimit)
    }

    init(
        _ path: String, cacheBytes: Int, partitionRows: Int64, pace: CheckpointPace, questionLimit: Duration
    ) throws(StoreProblem) {
        self.path = path
        self.questionLimit = questionLimit
        self.pace = pace
        self.partitionRows = partitionRows
        isReadingOnly = false
        access = StoreAccess(path, .writing, cacheBytes: cacheBytes)
        do { _ = try access.store() } catch { throw ConnectionStore.problem(error, path) }
    }

    /// For answering questions in another process than the one that writes.
    ///
    /// The file may not be there yet, be brought up to date, be replaced or come from a newer connlog: each question
    /// looks at it anew, opens it when it can, and throws a `StoreProblem` of the kind `absent` while there is nothing to
    /// read. Nothing is ever written. `noteChange` wakes who waits for events; without it they look once a second.
    package convenience init(readingOnly path: String, cacheBytes: Int) {
        self.init(readingOnly: path, cacheBytes: cacheBytes, questionLimit: ConnectionStore.questionLimit)
    }

    package init(readingOnly path: String, cacheBytes: Int, questionLimit: Duration) {
        self.path = path
        self.questionLimit = questionLimit
        partitionRows = StoreWriter.partitionRows
        pace = CheckpointPace()
        isReadingOnly = true
        access = StoreAccess(path, .reading, cacheBytes: cacheBytes)
    }

    /// The process that writes says that there may be new events: whoever waits for them looks.
    package func noteChange() { bell.ring() }

    /// What keeps it from working now: why the last batch, question or look failed; `nil` when that went well.
    package var trouble: StoreProblem? { lastTrouble.withLock { $0 } }

    /// Keeps in mind how it went.
    private func noted<Value>(_ result: Result<Value, any Error>) throws(StoreProblem) -> Value {
        switch result {
        case .success(let value):
            lastTrouble.withLock { $0 = nil }
            return value
        case .failure(let error):
            let problem = ConnectionStore.problem(error, path)
            // Those are the question's, not the store's.
            if ![.question, .cancelled, .tooLong].contains(problem.kind) { lastTrouble.withLock { $0 = problem } }
            throw problem
        }
    }

    /// Looks whether the file is still the one at its path, and opens it anew if not. Call it once a second; questions
    /// and batches look by themselves too. Waits for the disk.
    package func look() throws(StoreProblem) {
        let (before, damage) = (access.current, trouble.flatMap { $0.isDamage ? $0 : nil })
        try noted(
            Result {
                let store = try access.store()
                guard !isReadingOnly else { return }
                do {
                    try store.pool.writeWithoutTransaction { _ in try store.refuseChange() }
                } catch { _ = try access.store() }
            })
        // What was damaged is so still while it is the same file: a look reads nothing of it.
        if let before, before === access.current { lastTrouble.withLock { $0 = $0 ?? damage } }
    }

    /// What happened to the file itself since this was asked last, such as that it was removed and begun anew: sentences
    /// for connlog's log.
    package func takeNotices() -> [String] { access.takeNotices() }

    // MARK: - Writing

    /// What became of a batch of events.
    package struct Outcome: Sendable, Equatable {
        /// New rows.
        package var added = 0
        /// Connections that were there and got more events.
        package var merged = 0
        /// Events that are in the store already: the queue sends again what it does not know to be committed.
        package var known = 0
    }

    /// Takes a batch in; when it returns, it is on the disk. Waits for the disk.
    /// - Parameters:
    ///   - place: where the events stand in the queue; each is taken once, however often it is given.
    ///   - arrival: stands for the time of an event that has none.
    ///   - isCertain: the clock that says when they came in has been right for a while. Else what comes in is not older than
    ///     what is there: a clock that is behind at the start lets nothing go when it is set right.
    package func apply(
        _ batch: EventBatch, at place: EventPlace?, arrival: Nanoseconds, isCertain: Bool = true
    ) throws(StoreProblem) -> Outcome {
        let result = try write { (writer, database) in
            try writer.apply(batch, at: place, arrival: arrival, isCertain: isCertain, database)
        }
        bell.ring()
        checkpoint()
        return Outcome(added: result.added, merged: result.merged, known: result.known)
    }

    /// Runs in one transaction, with the writer.
    func write<Value>(_ body: (inout StoreWriter, Database) throws -> Value) throws(StoreProblem) -> Value {
        if isReadingOnly { throw StoreProblem("\(path) is open for reading only") }
        return try noted(Result { try write(try access.store(), body) })
    }

    private func write<Value>(
        _ store: OpenStore, _ body: (inout StoreWriter, Database) throws -> Value
    ) throws -> Value {
        let memory = store.memory
        return try store.pool.writeWithoutTransaction { database in
            var value: Value?
            do {
                try database.inTransaction(.immediate) {
                    var writer = try memory.take() ?? StoreWriter(database, partitionRows: partitionRows)
                    value = try body(&writer, database)
                    try store.refuseChange()
                    memory.writer = writer
                    return .commit
                }
                // What was removed while it was committed is not there.
                try store.noteOwnWork()
            } catch {
                // What it remembers may not be what the file says.
                memory.writer = nil
                throw error
            }
            guard let value else { throw StoreProblem("\(path): a transaction came to nothing") }
            return value
        }
    }

    /// Moves what was written into the file proper, now and then, so that the log beside it stays small.
    func checkpoint() {
        guard let store = access.current else { return }
        let step = pace.step(logBytes: store.marks.logBytes)
        if step == .none { return }
        // One that a question holds up is made another time.
        try? store.pool.writeWithoutTransaction { database in
            defer { try? store.noteOwnWork() }
            guard case .restart(let wait) = step else {
                _ = try database.checkpoint(.passive)
                return
            }
            try database.waitForOthers(wait)
            defer { try? database.waitForOthers(StoreFile.busyWait) }
            _ = try database.checkpoint(.truncate)
        }
    }

    /// For tests.
    package func checkpointNow() throws {
        let store = try access.store()
        try store.pool.writeWithoutTransaction { database in _ = try database.checkpoint(.truncate) }
        try store.noteOwnWork()
    }

    /// Bytes of the log beside the file.
    package var logBytes: Int { FileMarks(path).logBytes }

    // MARK: - Reading

    /// How long a question may take.
    package static let questionLimit = Duration.seconds(30)

    /// Asks in one reading transaction. The question is interrupted when its task is cancelled, and at its limit; what was
    /// answered by then is an answer, however late somebody comes to take it.
    func read<Value: Sendable>(
        _ body: @escaping @Sendable (StoreReader) throws -> Value
    ) async throws(StoreProblem) -> Value {
        let (path, isReadingOnly) = (path, isReadingOnly)
        let tooLong = StoreProblem("a question took longer than \(questionLimit)", .tooLong)
        do {
            let pool = try await access.storeSoon().pool
            let value = try await withLimit(questionLimit, tooLong: tooLong) {
                try await pool.read { database in
                    if isReadingOnly { try StoreFile.checkVersion(database, path) }
                    return try body(StoreReader(database))
                }
            }
            return try noted(.success(value))
        } catch {
            return try noted(.failure(error))
        }
    }

    /// The newest connections that match, newest first.
    /// - Parameters:
    ///   - after: goes on after this place; `nil` begins with the newest.
    ///   - offset: so many are passed over first. Costs time for each: better go on by `after`.
    ///   - bytesMax: with so many bytes of rows, no more are given, however large `limit` is; one is at least. So a page
    ///     that is shorter than `limit` need not be the last: it says so.
    ///   - withPeople: each row says who it was.
    ///   - budget: how long rows are looked for; a page that stops before it is full says how far it has come.
    ///     With an offset, and for `new:ip`, it does not stop.
    package func page(
        _ query: RowQuery, after: RowPosition? = nil, offset: Int = 0, limit: Int, bytesMax: Int,
        withPeople: Bool = true, budget: LookBudget = .whole
    ) async throws(StoreProblem) -> RowPage {
        try refuseLarge(query)
        return try await read {
            try $0.page(
                query, after: after, offset: offset, limit: limit, bytesMax: bytesMax, withPeople: withPeople,
                budget: budget)
        }
    }

    /// Every question with a query goes by here.
    func refuseLarge(_ query: RowQuery) throws(StoreProblem) {
        guard query.askedCount > StoreReader.termsMax else { return }
        throw StoreProblem(
            "a question may have \(StoreReader.termsMax) conditions, not \(query.askedCount)", .question)
    }

    /// How many match: up to `cap` exactly, `cap` + 1 says that there are more. A cap of 0 counts all.
    package func count(_ query: RowQuery, cap: Int) async throws(StoreProblem) -> Int {
        try refuseLarge(query)
        return try await read { try $0.count(query, cap: cap) }
    }

    /// The connection that an event of this id made.
    package func row(id: String) async throws(StoreProblem) -> ConnectionRow? {
        try await read { try $0.row(id: id) }
    }

    /// A connection's events as they were received, the oldest first; what retention has let go is missing.
    /// - Parameters:
    ///   - number: goes on after the event of this number; 0 begins with the oldest.
    ///   - bytesMax: with so many bytes of events, no more are given; one is at least. Go on until there is none.
    package func events(
        of row: ConnectionRow, after number: Int64 = 0, bytesMax: Int
    ) async throws(StoreProblem) -> [ReceivedEvent] {
        try await read { try $0.events(of: row.position, after: number, bytesMax: bytesMax) }
    }

    /// Events from a number on, in the order in which they came in.
    /// - Parameter bytesMax: with so many bytes of events, no more are given; one is at least.
    package func events(
        from number: Int64, limit: Int, bytesMax: Int
    ) async throws(StoreProblem) -> [ReceivedEvent] {
        try await read { try $0.events(from: number, limit: limit, bytesMax: bytesMax) }
    }

    /// Events after a mark, in the order in which they came in; see `NewEvents`.
    /// - Parameter bytesMax: with so many bytes of events, no more are given; one is at least.
    package func events(
        after mark: EventMark, limit: Int, bytesMax: Int
    ) async throws(StoreProblem) -> NewEvents {
        try await read { try $0.events(after: mark, limit: limit, bytesMax: bytesMax) }
    }

    /// Who the connections of some events were, by the events' numbers, as far as is known now.
    package func people(of events: [ReceivedEvent]) async throws(StoreProblem) -> [Int64: Person] {
        try await read { try $0.people(of: events) }
    }

    /// The number of the newest event; 0 if there is none.
    package func newestEvent() async throws(StoreProblem) -> Int64 { try await newestMark().number }

    /// After the newest event.
    package func newestMark() async throws(StoreProblem) -> EventMark { try await read { try $0.newestMark() } }

    /// Returns when there may be something to be told after a mark, or when the task is cancelled.
    package func waitForEvents(after mark: EventMark) async throws(StoreProblem) {
        while !Task.isCancelled {
            let ring = bell.next()
            if try await newestMark() != mark { return }
            if !isReadingOnly { return await ring.wait() }
            await ring.wait(atMost: ConnectionStore.lookPause)
        }
    }

    /// How often a process that only reads looks for new events when nobody tells it.
    private static let lookPause = Duration.seconds(1)

    // MARK: - What went wrong

    static func problem(_ error: any Error, _ path: String) -> StoreProblem {
        if let problem = error as? StoreProblem { return problem }
        if error is CancellationError { return StoreProblem("\(path): the question was withdrawn", .cancelled) }
        if let error = error as? SystemError, error.isNoSpace { return full(path) }
        guard let error = error as? DatabaseError else { return StoreProblem("\(path): \(error)") }
        let words = error.message ?? "\(error.resultCode)"
        switch error.resultCode {
        case .SQLITE_CORRUPT, .SQLITE_NOTADB:
            return StoreProblem(
                "\(path) is damaged (\(words)); move it away: the store begins anew, and what the queue still has is "
                    + "stored again", .damage)
        case .SQLITE_FULL: return full(path)
        case .SQLITE_INTERRUPT: return StoreProblem("\(path): the question was withdrawn", .cancelled)
        case .SQLITE_CANTOPEN: return StoreProblem("\(path) cannot be opened: \(words); may connlog write there?")
        default: return StoreProblem("\(path): \(words)")
        }
    }

    private static func full(_ path: String) -> StoreProblem {
        StoreProblem("the disk of \(path) is full; make room", .diskFull)
    }
}
#endif
