import ConnlogCore
import ConnlogSystem

/// What rows become, and where it goes.
extension TableReader {
    // MARK: (b) What is open

    /// Which of the connections that were open are so no more.
    func readOpen() async throws(Stop) {
        let before = memory.open.all
        guard let oldest = before.map(\.value.connect).min() else { return }
        var walk = TableWalk(after: oldest, before: nil, isOngoing: true, limits: settings.limits.walk)
        var missing = Dictionary(before.lazy.map { ($0.id, $0.value) }, uniquingKeysWith: { first, _ in first })
        // Coder may have more open ones than are watched.
        while !missing.isEmpty, let rows = try await next(&walk) {
            for row in rows { missing[row.id] = nil }
        }
        // Those that no answer tells anything of must not keep others from being asked for.
        let oldestFirst = missing.sorted { $0.value.connect < $1.value.connect }
        let begin = oldestFirst.firstIndex { $0.value.connect > lookedUpTo } ?? 0
        for row in (oldestFirst[begin...] + oldestFirst[..<begin]).prefix(settings.limits.lookUps) {
            lookedUpTo = row.value.connect
            try await lookUp(row.key, row.value)
        }
    }

    /// Asks for one that was open.
    private func lookUp(_ id: RowID, _ open: OpenRow) async throws(Stop) {
        var query = TableQuestions.Query(after: .first, before: nil)
        query.connection = open.connection
        // An agent may give one id to many.
        if open.connection == nil { (query.after, query.before) = (open.connect, open.connect) }
        let page = try await page(query)
        if let row = page.rows.first(where: { $0.id == id }) { return try await take([row]) }
        guard page.size >= TableQuestions.pageSize else {
            memory.forgetOpen(id)
            return try await store()
        }
        (query.after, query.before) = (open.connect, open.connect)
        if let row = try await self.page(query).rows.first(where: { $0.id == id }) { try await take([row]) }
    }

    private func page(_ query: TableQuestions.Query) async throws(Stop) -> TableQuestions.Page {
        try await asked { () async throws(CoderTrouble) in try await self.questions.page(query) }
    }

    // MARK: Asking

    /// The same failure, as a reason to stop.
    func asked<Value>(_ ask: () async throws(CoderTrouble) -> Value) async throws(Stop) -> Value {
        do throws(CoderTrouble) { return try await ask() } catch { throw .coder(error) }
    }

    func next(_ walk: inout TableWalk) async throws(Stop) -> [CoderRow]? {
        if Task.isCancelled { throw .queue(.stopping) }
        let rows: [CoderRow]?
        do throws(CoderTrouble) { rows = try await walk.next(questions) } catch { throw .coder(error) }
        tell(walk.mistakes)
        status.turn()
        return rows
    }

    // MARK: Handing over

    /// Hands over what is new about rows, in their order.
    func take(_ rows: [CoderRow]) async throws(Stop) {
        for start in stride(from: 0, to: rows.count, by: TableReader.chunk) {
            try await makeRoom()
            for row in rows[start..<min(start + TableReader.chunk, rows.count)] {
                let changes = memory.take(row)
                counts.lines += changes.isEmpty ? 0 : 1
                for change in changes { events.append(change == .connect ? .connect : .disconnect, row, to: &batch) }
            }
            try await store()
        }
    }

    private func makeRoom() async throws(Stop) {
        let edge = memory.edge
        memory.makeRoom(now)
        guard memory.edge != edge else { return }
        tellEdge()
        try await store()
    }

    /// Hands over what there is, with what is remembered of it.
    func store() async throws(Stop) {
        let changes = memory.takeChanges()
        if batch.isEmpty {
            // Without events the place alone says enough, and comes first; a small queue takes no large batch.
            for start in stride(from: 0, to: changes.count, by: 8) {
                try await enqueue(EventBatch(), Array(changes[start..<min(start + 8, changes.count)]))
            }
            return
        }
        counts.events += batch.count
        counts.bytes += batch.recordBytes
        let full = batch
        batch = output.makeBatch()
        try await enqueue(full, changes)
        let counted = counts
        counts = SourceCounts()
        status.update { $0.add(counted) }
    }

    private func enqueue(_ batch: EventBatch, _ changes: [Checkpoint]) async throws(Stop) {
        do throws(AppendError) { try await output.enqueue(batch, changes) } catch { throw .queue(error) }
    }

    // MARK: Telling

    private func tell(_ mistakes: [String]) {
        for mistake in Set(mistakes) where toldMistakes.insert(mistake).inserted {
            status.update { $0.malformed["row", default: 0] += 1 }
            log(
                .warning,
                "\(questions.api.base) gives rows that are passed over: \(mistake); is this Coder newer than connlog?")
        }
    }

    /// The edge has come nearer for want of room.
    private func tellEdge() {
        guard memory.edge > now.advanced(by: .seconds(0) - settings.lookBack), !hasToldEdge else { return }
        hasToldEdge = true
        log(
            .warning,
            "Coder's table has more rows in look_back than connlog remembers (\(memory.known.count)), so rows that come late "
                + "into the time before \(memory.edge.text) are not read; 'connlog reconcile' finds them")
    }

    func tellGivenUp() {
        guard memory.givenUp > toldGivenUp else { return }
        log(
            .warning,
            "\(memory.givenUp) open connections are watched no longer, the oldest, since there are too many; their ends are "
                + "not read, and 'connlog reconcile' finds them")
        toldGivenUp = memory.givenUp * 2
    }
}
