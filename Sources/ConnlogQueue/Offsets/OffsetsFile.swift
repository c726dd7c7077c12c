internal import ConnlogSystem

/// The file with the sinks' offsets: two slots, written in turn. Not for use by two threads at once.
///
/// What a slot looks like and which one counts is described at `OffsetsSlot`.
struct OffsetsFile: Sendable {
    static let name = "offsets"
    static let temporaryName = "offsets.tmp"
    static let firstSlotBytes = 4 << 10

    private let directory: String
    private let fileSystem: any FileSystem
    private let queueID: QueueID
    // None: there is no file, or its fate is unknown after an error, so that the next write makes another one.
    private var file: (any OpenFile)?
    private var slotBytes: Int
    private var generation: UInt64
    private var syncedSlot = 0
    /// Something was written and not synced, or should have been written.
    private(set) var isDirty = false

    /// Bytes on disk.
    var bytes: Int { file == nil ? 0 : 2 * slotBytes }
    /// What it may take with these sinks, however much state they come to have: the file, and one with slots twice as
    /// large that takes its place.
    func bytesReserved(for sinks: [SinkEntry]) -> Int {
        let most = sinks.reduce(OffsetsSlot.headerBytes) { sum, sink in
            sum + SinkEntry.headerBytes + sink.name.utf8.count + SinkEntry.stateBytesMax
        }
        var bytes = slotBytes
        while bytes < most { bytes *= 2 }
        return 6 * bytes
    }

    /// What a file held when it was opened.
    struct Contents {
        var file: any OpenFile
        var slotBytes: Int
        var newest: OffsetsSlot
        var newestSlot: Int
    }

    /// Goes on with a file, or begins without one: then nothing is on disk before the first `sync`.
    init(_ directory: String, _ fileSystem: any FileSystem, _ queueID: QueueID, contents: Contents?) {
        self.directory = directory
        self.fileSystem = fileSystem
        self.queueID = queueID
        generation = contents?.newest.generation ?? 0
        slotBytes = contents?.slotBytes ?? OffsetsFile.firstSlotBytes
        file = contents?.file
        syncedSlot = contents?.newestSlot ?? 0
    }

    /// Syncs what was found: a slot that an earlier process wrote need not be on disk yet. A file that refuses is
    /// replaced.
    mutating func adopt(_ sinks: [SinkEntry]) throws(SystemError) {
        guard let file else { return try replace(sinks) }
        do { try file.sync() } catch { try replace(sinks) }
    }

    /// Writes, so that a crash of the process loses nothing. Not on disk before `sync`.
    mutating func write(_ sinks: [SinkEntry]) throws(SystemError) {
        isDirty = true
        generation += 1
        let slot = OffsetsSlot(queueID: queueID, generation: generation, sinks: sinks).encoded()
        guard let file, slot.count <= slotBytes else { return try replace(sinks) }
        do {
            try file.writeAll(slot, 0..<slot.count, at: (1 - syncedSlot) * slotBytes)
        } catch {
            self.file = nil
            try replace(sinks)
        }
    }

    /// Makes what was written last durable.
    mutating func sync(_ sinks: [SinkEntry]) throws(SystemError) {
        guard isDirty else { return }
        guard let file else { return try replace(sinks) }
        do {
            try file.sync()
            syncedSlot = 1 - syncedSlot
            isDirty = false
        } catch {
            // The kernel may have dropped the pages: another sync of this file would prove nothing.
            self.file = nil
            try replace(sinks)
        }
    }

    /// Writes a new file and gives it the name. Durable when it returns.
    private mutating func replace(_ sinks: [SinkEntry]) throws(SystemError) {
        isDirty = true
        file = nil
        generation += 1
        let slot = OffsetsSlot(queueID: queueID, generation: generation, sinks: sinks).encoded()
        var bytes = slotBytes
        while bytes < slot.count { bytes *= 2 }
        var image = slot
        image.appendZeros(2 * bytes - slot.count)
        let temporary = "\(directory)/\(OffsetsFile.temporaryName)"
        do { try fileSystem.remove(temporary) } catch  where error.code == Errno.notFound {}
        let fresh = try fileSystem.open(temporary, .createNew)
        try fresh.writeAll(image, 0..<image.count, at: 0)
        try fresh.sync()
        try fileSystem.rename(temporary, to: "\(directory)/\(OffsetsFile.name)")
        try fileSystem.syncDirectory(directory)
        file = fresh
        slotBytes = bytes
        syncedSlot = 0
        isDirty = false
    }
}

extension OffsetsFile {
    /// What opening the file came to.
    struct Loading {
        /// The newest valid slot; `nil` when there is none.
        var contents: Contents?
        var exists = false
        var bytes = 0
        var damage: [Damage] = []
    }

    /// Reads both slots. A file that cannot be read is damage, not an error.
    static func load(
        _ directory: String, _ fileSystem: any FileSystem, _ mode: OpenMode = .readWrite
    ) throws(QueueError) -> Loading {
        let path = "\(directory)/\(name)"
        let found: (file: any OpenFile, bytes: ByteBuffer)
        do throws(SystemError) {
            found = try read(path, fileSystem, mode)
        } catch {
            if error.code == Errno.notFound { return Loading() }
            let damage = Damage(kind: .offsetsSlot, file: name, position: 0, bytes: 0, events: 0)
            return Loading(exists: true, damage: [damage])
        }
        return try interpret(found.bytes, found.file)
    }

    private static func read(
        _ path: String, _ fileSystem: any FileSystem, _ mode: OpenMode
    ) throws(SystemError) -> (file: any OpenFile, bytes: ByteBuffer) {
        let file = try fileSystem.open(path, mode)
        var bytes = ByteBuffer()
        let size = try file.size()
        while bytes.count < size {
            if try file.readTolerantly(into: &bytes, at: bytes.count, count: size - bytes.count) == 0 { break }
        }
        return (file, bytes)
    }

    private static func interpret(_ bytes: ByteBuffer, _ file: any OpenFile) throws(QueueError) -> Loading {
        let slotBytes = bytes.count / 2
        var loading = Loading(exists: true, bytes: bytes.count)
        for slot in 0..<2 {
            let place = slot * slotBytes
            switch OffsetsSlot.read(bytes.span(place..<place + slotBytes)) {
            case .valid(let found):
                if let best = loading.contents, best.newest.generation >= found.generation { continue }
                loading.contents = Contents(file: file, slotBytes: slotBytes, newest: found, newestSlot: slot)
            case .newer(let version): throw .newerFormat(file: name, version: version)
            case .blank: break
            case .damaged:
                loading.damage.append(
                    Damage(kind: .offsetsSlot, file: name, position: place, bytes: slotBytes, events: 0))
            }
        }
        if loading.contents == nil, loading.damage.isEmpty {
            loading.damage.append(
                Damage(kind: .offsetsSlot, file: name, position: 0, bytes: bytes.count, events: 0))
        }
        return loading
    }
}
