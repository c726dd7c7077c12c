internal import ConnlogSystem

/// Records that become durable together: framed when they are handed over, written as they are.
struct Group: Sendable {
    /// Room for a mark, then the records.
    var buffer: ByteBuffer
    /// The offset of the first event.
    let first: UInt64
    /// The offset after the last event.
    var end: UInt64
    var changes: [CheckpointChange] = []
    /// How many calls of `enqueue` there were up to the last one in here.
    var ticket: UInt64 = 0

    init(first: UInt64, memory: ByteBuffer = ByteBuffer()) {
        buffer = memory
        buffer.removeAll()
        buffer.appendZeros(RecordCoding.headerBytes)
        self.first = first
        end = first
    }

    var recordBytes: Int { buffer.count - RecordCoding.headerBytes }
    var isEmpty: Bool { recordBytes == 0 }

    mutating func append(_ batch: RecordBatch, _ changes: [CheckpointChange], _ coding: RecordCoding) {
        buffer.reserve(Group.bytes(batch, changes))
        let lastEvent = changes.isEmpty ? batch.count - 1 : -1
        for index in 0..<batch.count {
            coding.append(.event, batch.record(index), offset: end, endsBatch: index == lastEvent, to: &buffer)
            end += 1
        }
        for (index, change) in changes.enumerated() {
            let payload = CheckpointCoding.payload(change.key, change.value)
            let isLast = index == changes.count - 1
            coding.append(.checkpoint, payload.span, offset: end, endsBatch: isLast, to: &buffer)
        }
        self.changes += changes
    }

    /// The most that `append` adds.
    static func bytes(_ batch: RecordBatch, _ changes: [CheckpointChange]) -> Int {
        let records = batch.recordBytes + batch.count * (RecordCoding.headerBytes + 7)
        return changes.reduce(records) { sum, change in
            sum + RecordCoding.recordBytes(payload: 4 + change.key.utf8.count + (change.value?.count ?? 0))
        }
    }
}
