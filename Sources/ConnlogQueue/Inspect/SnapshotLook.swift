internal import ConnlogSystem

/// Takes a `QueueSnapshot`: the same decisions as `Recovery`, without acting on any.
struct SnapshotLook {
    /// How often something that looks damaged is looked at again: a daemon may have been in the middle of writing it.
    static let looks = 4

    private let directory: String
    private let fileSystem: ReadOnlyFileSystem
    private var segments: [QueueSnapshot.Segment] = []
    private var headers: [UInt64: SegmentHeader] = [:]
    private var damage: [Damage] = []
    private var offsets = OffsetsFile.Loading()
    private var scan: TailScan?

    init(_ directory: String, _ fileSystem: ReadOnlyFileSystem) {
        self.directory = directory
        self.fileSystem = fileSystem
    }

    mutating func take() throws(QueueError) -> QueueSnapshot {
        // The offsets first: what they allow to be deleted while the segments are listed is not missed then.
        offsets = try readOffsets()
        let names: [String]
        do throws(SystemError) { names = try fileSystem.list(directory) } catch { throw .system(error) }
        var bytesOnDisk = 0
        for name in names.sorted() {
            // Gone meanwhile, or a directory.
            guard let size = try? fileSystem.open(path(name), .read).size() else { continue }
            guard let first = SegmentName.first(of: name) else {
                if name == OffsetsFile.name || name.hasSuffix(".tmp") { bytesOnDisk += size }
                continue
            }
            bytesOnDisk += size
            try add(first, bytes: size)
        }
        let coding = RecordCoding(queueID())
        judge(coding.queueID)
        try scanLast(coding)
        try findMissing()
        for index in segments.indices.dropLast() { segments[index].end = segments[index + 1].first }
        let quarantine = kept()
        bytesOnDisk += quarantine.reduce(0) { $0 + $1.bytes }
        return snapshot(coding, quarantine, bytesOnDisk)
    }

    private func path(_ name: String) -> String { "\(directory)/\(name)" }

    private func readOffsets() throws(QueueError) -> OffsetsFile.Loading {
        var loading = try OffsetsFile.load(directory, fileSystem)
        for _ in 1..<SnapshotLook.looks where !loading.damage.isEmpty {
            loading = try OffsetsFile.load(directory, fileSystem)
        }
        return loading
    }

    private mutating func add(_ first: UInt64, bytes: Int) throws(QueueError) {
        var start = ByteBuffer()
        let path = path(SegmentName.of(first))
        _ = try? fileSystem.open(path, .read).readTolerantly(into: &start, at: 0, count: SegmentHeader.size)
        var created: Nanoseconds?
        switch SegmentHeader.read(start.span) {
        case .valid(let header):
            headers[first] = header
            created = header.created
        case .newer(let version): throw .newerFormat(file: path, version: version)
        case .damaged: break
        }
        segments.append(
            QueueSnapshot.Segment(
                first: first, end: first, bytes: bytes, created: created,
                state: headers[first] == nil ? .damagedHeader : .good))
    }

    /// Whose records count: as `Recovery` decides it.
    private func queueID() -> QueueID {
        let remembered = offsets.contents?.newest.queueID
        let newest = segments.last.flatMap { headers[$0.first]?.queueID }
        if let remembered, newest == nil || newest == remembered { return remembered }
        var counts: [QueueID: Int] = [:]
        for header in headers.values { counts[header.queueID, default: 0] += 1 }
        let most = counts.values.max() ?? 0
        let best = counts.filter { $0.value == most }.keys
        if let remembered, counts.isEmpty || best.contains(remembered) { return remembered }
        return best.first { $0 == newest } ?? best.first ?? .random()
    }

    private mutating func judge(_ queueID: QueueID) {
        if let found = offsets.contents?.newest.queueID, found != queueID {
            damage.append(Damage(kind: .foreignFile, file: OffsetsFile.name, position: 0, bytes: 0, events: 0))
            offsets.contents = nil
        }
        damage += offsets.damage
        for index in segments.indices {
            let segment = segments[index]
            guard let header = headers[segment.first] else {
                damage.append(
                    Damage(
                        kind: .segmentHeader, file: segment.name, position: 0, bytes: SegmentHeader.size, events: 0))
                continue
            }
            if header.queueID != queueID || header.first != segment.first { setForeign(index) }
        }
    }

    private mutating func setForeign(_ index: Int) {
        segments[index].state = .foreign
        damage.removeAll { $0.kind == .segmentHeader && $0.file == segments[index].name }
        damage.append(
            Damage(
                kind: .foreignFile, file: segments[index].name, position: 0, bytes: segments[index].bytes, events: 0))
    }

    /// The last segment that is one: where its records end, and what of them is damaged.
    private mutating func scanLast(_ coding: RecordCoding) throws(QueueError) {
        for index in segments.indices.reversed() where segments[index].state != .foreign {
            let found: TailScan
            do throws(SystemError) { found = try scan(segments[index], coding) } catch { throw .system(error) }
            if headers[segments[index].first] == nil, !found.hasRecords {
                setForeign(index)
                continue
            }
            scan = found
            segments[index].end = found.end
            damage += found.damage
            return
        }
    }

    private func scan(_ segment: QueueSnapshot.Segment, _ coding: RecordCoding) throws(SystemError) -> TailScan {
        let file = try fileSystem.open(path(segment.name), .read)
        var found = try TailScan(
            file, name: segment.name, first: segment.first, header: headers[segment.first], coding: coding)
        for _ in 1..<SnapshotLook.looks where !found.damage.isEmpty || found.tornBytes > 0 {
            found = try TailScan(
                file, name: segment.name, first: segment.first, header: headers[segment.first], coding: coding)
        }
        return found
    }

    /// Segments that a sink still needs, and that are not there: before the oldest one, or after the last.
    private mutating func findMissing() throws(QueueError) {
        guard var sinks = offsets.contents?.newest.sinks, !sinks.isEmpty else { return }
        // What has the name of a segment and is none is told, with its events, by whoever reads there.
        let oldest = segments.first?.first
        let scanned = scan?.end ?? 0
        if let greatest = sinks.map(\.committed).max(), greatest > scanned { addMissing(scanned..<greatest) }
        guard let oldest else { return }
        if sinks.contains(where: { $0.committed < oldest }) {
            // A daemon may have let go of them since the offsets were read.
            sinks = try readOffsets().contents?.newest.sinks ?? []
        }
        if let least = sinks.map(\.committed).min(), least < oldest { addMissing(least..<oldest) }
    }

    private mutating func addMissing(_ offsets: Range<UInt64>) {
        damage.append(
            Damage(
                kind: .missingSegment, file: SegmentName.of(offsets.lowerBound), position: 0, bytes: 0,
                events: offsets.upperBound - offsets.lowerBound))
    }

    private func kept() -> [QueueSnapshot.Kept] {
        let quarantine = path(Quarantine.directoryName)
        let names = (try? fileSystem.list(quarantine)) ?? []
        return names.sorted().map { name in
            QueueSnapshot.Kept(
                name: name, bytes: (try? fileSystem.open("\(quarantine)/\(name)", .read).size()) ?? 0)
        }
    }

    private func snapshot(
        _ coding: RecordCoding, _ quarantine: [QueueSnapshot.Kept], _ bytesOnDisk: Int
    ) -> QueueSnapshot {
        let entries = offsets.contents?.newest.sinks ?? []
        let end = max(scan?.end ?? 0, entries.map(\.committed).max() ?? 0)
        let oldest = segments.first { $0.state != .foreign }?.first ?? end
        let sinks = entries.map { entry in
            let held = segments.filter { $0.end > entry.committed && $0.state != .foreign }
            return QueueSnapshot.Sink(
                name: entry.name, committed: entry.committed, dropped: entry.dropped,
                lag: end - min(end, max(entry.committed, oldest)), heldBytes: held.reduce(0) { $0 + $1.bytes })
        }
        return QueueSnapshot(
            directory: directory, segments: segments, sinks: sinks, checkpoints: scan?.checkpoints.values ?? [:],
            quarantine: quarantine, end: end, damage: damage, tornBytes: scan?.tornBytes ?? 0,
            offsetsLost: offsets.contents == nil && !segments.isEmpty, bytesOnDisk: bytesOnDisk, coding: coding,
            fileSystem: fileSystem, lastBytes: scan?.endPosition ?? 0)
    }
}
