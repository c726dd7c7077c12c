internal import ConnlogSystem

/// Finds out what a directory holds and what has to be written before the queue can go on.
///
/// Reads the file of the offsets and the last segment. Removes unfinished files and segments that every sink is past,
/// moves files that are not ours to quarantine; writes nothing else.
struct Recovery {
    private(set) var report = QueueReport()
    private(set) var queueID = QueueID.random()
    private(set) var segments = SegmentList()
    private(set) var sinks: [SinkEntry] = []
    private(set) var offsets: OffsetsFile.Loading
    private(set) var checkpoints = Checkpoints()
    private(set) var plannedRolls: [LogWriter.PlannedRoll] = []
    /// The end of what may be read before the planned segments are there.
    private(set) var readableEnd: UInt64 = 0
    private(set) var readableBytes = 0
    /// The end when they are.
    private(set) var end: UInt64 = 0
    let quarantine: Quarantine

    private let directory: String
    private let fileSystem: any FileSystem
    private var files: [SegmentFile] = []

    private struct SegmentFile {
        let first: UInt64
        let bytes: Int
        var name: String { SegmentName.of(first) }
    }

    init(_ directory: String, _ fileSystem: PatientFileSystem, _ options: QueueOptions) throws(QueueError) {
        self.directory = directory
        self.fileSystem = fileSystem
        offsets = try OffsetsFile.load(directory, fileSystem)
        quarantine = Quarantine(
            directory, fileSystem, bytesMax: options.quarantineBytesMax,
            used: Recovery.bytes(in: "\(directory)/\(Quarantine.directoryName)", fileSystem))
        do throws(SystemError) { try findSegments() } catch { throw .system(error) }
        keepDamagedOffsets()
        try chooseQueueID()
        takeOffsets()
        try examineLastSegment()
        finishReport()
        report.refusedReads = fileSystem.retries.refusals
    }

    // MARK: - Files

    private static func bytes(in directory: String, _ fileSystem: any FileSystem) -> Int {
        let names = (try? fileSystem.list(directory)) ?? []
        return names.reduce(0) { sum, name in
            sum + ((try? fileSystem.open("\(directory)/\(name)", .read).size()) ?? 0)
        }
    }

    private func path(_ name: String) -> String { "\(directory)/\(name)" }

    private mutating func findSegments() throws(SystemError) {
        var firsts: [UInt64] = []
        for name in try fileSystem.list(directory) {
            if let first = SegmentName.first(of: name) { firsts.append(first) }
            // Left by a crash. Its offsets may be given again, so it cannot become a segment either.
            if name.hasSuffix(".tmp") { try? fileSystem.remove(path(name)) }
        }
        for first in firsts.sorted() {
            let bytes = (try? fileSystem.open(path(SegmentName.of(first)), .read).size()) ?? 0
            files.append(SegmentFile(first: first, bytes: bytes))
        }
    }

    /// Decides whose records count. Normally the last segment and the offsets agree.
    private mutating func chooseQueueID() throws(QueueError) {
        let remembered = offsets.contents?.newest.queueID
        let newest = try files.last.flatMap { (file) throws(QueueError) in try header(of: file) }?.queueID
        if let remembered, newest == nil || newest == remembered {
            queueID = remembered
            return
        }
        var counts: [QueueID: Int] = [:]
        for file in files { if let id = try header(of: file)?.queueID { counts[id, default: 0] += 1 } }
        let most = counts.values.max() ?? 0
        // Where as many segments speak for one as for another, the offsets decide, and then the newest segment.
        let best = counts.filter { $0.value == most }.keys
        if let remembered, counts.isEmpty || best.contains(remembered) {
            queueID = remembered
            return
        }
        if let chosen = best.first(where: { $0 == newest }) ?? best.first { queueID = chosen }
        if remembered != nil { setForeignOffsetsAside() }
    }

    /// What is damaged will be written over: a slot is copied, a file without a good one moved.
    private mutating func keepDamagedOffsets() {
        report.damage += offsets.damage
        let name = OffsetsFile.name
        guard let contents = offsets.contents else {
            if offsets.exists { try? quarantine.move(path(name), named: name, bytes: offsets.bytes) }
            return
        }
        for damage in offsets.damage {
            quarantine.keep(contents.file, damage.position..<damage.position + damage.bytes, of: name)
        }
    }

    private mutating func setForeignOffsetsAside() {
        let name = OffsetsFile.name
        let bytes = 2 * (offsets.contents?.slotBytes ?? 0)
        try? quarantine.move(path(name), named: name, bytes: bytes)
        offsets.contents = nil
        report.damage.append(Damage(kind: .foreignFile, file: name, position: 0, bytes: bytes, events: 0))
    }

    private func header(of file: SegmentFile) throws(QueueError) -> SegmentHeader? {
        var bytes = ByteBuffer()
        let path = path(file.name)
        _ = try? fileSystem.open(path, .read).readTolerantly(into: &bytes, at: 0, count: SegmentHeader.size)
        switch SegmentHeader.read(bytes.span) {
        case .valid(let header): return header
        case .newer(let version): throw .newerFormat(file: path, version: version)
        case .damaged: return nil
        }
    }

    /// Takes the offsets over and lets go of what every sink was past.
    private mutating func takeOffsets() {
        report.offsetsLost = offsets.contents == nil && !files.isEmpty
        guard let contents = offsets.contents else { return }
        sinks = contents.newest.sinks
        guard let floor = sinks.map(\.committed).min(), files.count > 1, files[1].first <= floor else { return }
        // These offsets may not be on disk yet: then the files stay until they are.
        guard (try? contents.file.sync()) != nil else { return }
        while files.count > 1, files[1].first <= floor {
            let gone = files.removeFirst()
            try? fileSystem.remove(path(gone.name))
        }
    }

    // MARK: - The last segment

    private mutating func examineLastSegment() throws(QueueError) {
        while let last = files.last {
            let finding = try examine(last)
            if finding == .segment { break }
            files.removeLast()
            report.damage.append(
                Damage(
                    kind: finding == .foreign ? .foreignFile : .unreadableFile, file: last.name, position: 0,
                    bytes: last.bytes, events: 0))
            // A file that cannot be moved is replaced when its name is needed.
            try? quarantine.move(path(last.name), named: last.name, bytes: last.bytes)
        }
        for file in files {
            segments.append(first: file.first, bytes: file.bytes, recordBytes: file.bytes, isClean: false)
        }
        if files.isEmpty { plan(end: 0, checkpoints: Checkpoints()) }
    }

    private enum Finding {
        case segment
        /// Of another queue, or none of ours.
        case foreign
        /// The disk does not give it.
        case unreadable
    }

    private mutating func examine(_ last: SegmentFile) throws(QueueError) -> Finding {
        let header = try header(of: last)
        if let header, header.queueID != queueID || header.first != last.first { return .foreign }
        do throws(SystemError) {
            let file = try fileSystem.open(path(last.name), .readWrite)
            let scan = try TailScan(
                file, name: last.name, first: last.first, header: header, coding: RecordCoding(queueID))
            guard header != nil || scan.hasRecords else { return .foreign }
            if header == nil {
                report.damage.append(
                    Damage(kind: .segmentHeader, file: last.name, position: 0, bytes: SegmentHeader.size, events: 0))
            }
            take(scan, file, last)
            return .segment
        } catch {
            switch error.code {
            case Errno.isDirectory: return .foreign
            case Errno.inputOutput, Errno.corrupted: return .unreadable
            default: throw .system(error)
            }
        }
    }

    private mutating func take(_ scan: TailScan, _ file: any OpenFile, _ last: SegmentFile) {
        for damage in scan.damage {
            quarantine.keep(file, damage.position..<damage.position + damage.bytes, of: last.name)
        }
        report.damage += scan.damage
        if scan.tornBytes > 0 {
            let end = scan.endPosition + scan.tornBytes
            quarantine.keep(file, scan.endPosition..<end, of: last.name)
            report.tornBytes = scan.tornBytes
            report.damage.append(
                Damage(
                    kind: .tornTail, file: last.name, position: scan.endPosition, bytes: scan.tornBytes, events: 0))
        }
        readableBytes = scan.unprovenPosition
        readableEnd = scan.unprovenFirst
        let carry = LogWriter.Carry(
            file: file, range: scan.unprovenPosition..<scan.endPosition, segmentFirst: last.first)
        if !carry.range.isEmpty {
            plannedRolls.append(
                LogWriter.PlannedRoll(
                    first: scan.unprovenFirst, end: scan.end, checkpoints: scan.provenCheckpoints, carry: carry))
        }
        plan(end: scan.end, checkpoints: scan.checkpoints, carry: carry.range.isEmpty ? carry : nil)
    }

    /// Plans the segment that new events go to, unless the one planned already will do.
    private mutating func plan(end scanned: UInt64, checkpoints: Checkpoints, carry: LogWriter.Carry? = nil) {
        let greatest = sinks.map(\.committed).max() ?? 0
        end = max(scanned, greatest)
        // Offsets below a sink's are never given again, or it would take new events for ones it has.
        report.missingEvents = end - scanned
        self.checkpoints = checkpoints
        if plannedRolls.isEmpty || end > scanned {
            plannedRolls.append(LogWriter.PlannedRoll(first: end, end: end, checkpoints: checkpoints, carry: carry))
        }
        if files.isEmpty { readableEnd = end }
    }

    private mutating func finishReport() {
        // Deleting goes by offsets that are on disk, so what a sink has not committed is there, or was taken away.
        if let floor = sinks.map(\.committed).min(), let oldest = segments.oldest, floor < oldest {
            report.damage.append(
                Damage(
                    kind: .missingSegment, file: SegmentName.of(floor), position: 0, bytes: 0, events: oldest - floor))
        }
        report.events = end - min(end, segments.oldest ?? end)
        report.sinks = sinks.map(\.name)
    }
}

extension Recovery {
    /// What the threads share at the beginning.
    var state: SharedState.State {
        var state = SharedState.State(filling: Group(first: end), end: readableEnd)
        state.segments = segments
        state.readableBytes = readableBytes
        state.checkpoints = checkpoints
        state.report = report
        state.quarantineBytes = quarantine.bytes
        for damage in report.damage { _ = state.count(damage) }
        return state
    }
}
