@testable import ConnlogSystem

@testable import ConnlogQueue

/// The file of the offsets, whatever it holds: the queue opens, no event is invented, and commits can be stored again.
enum OffsetsTarget {
    static func check(_ bytes: [UInt8]) throws(Finding) {
        var choices = Choices(bytes)
        let rightChecksums = choices.byte()
        var image = choices.remaining
        for slot in 0..<2 where rightChecksums >> slot & 1 == 1 { mend(&image, slot) }
        try checkSlots(image)

        var nothing = Choices([6, 5, 5, 5, 5, 230, 5, 255])
        let written = WrittenQueue(&nothing)
        written.files["\(QueueRun.directory)/\(OffsetsFile.name)"] = image
        let run = try QueueRun(written.files)
        guard let queue = run.queue else { return }
        for event in run.events {
            try expect(written.events.contains { $0.event == event }, "event \(event.offset) was never written")
        }
        do throws(QueueError) {
            try queue.commit(QueueRun.sink, offset: run.position, state: [1])
            try queue.syncCommits()
        } catch {
            throw Finding("no commit: \(error)")
        }
        let again = try QueueRun(written.files)
        try expect(again.events.isEmpty, "\(again.events.count) events come again after a commit of \(run.position)")
        try expect(again.position >= run.position, "\(run.position) was committed, \(again.position) is known")
    }

    /// A slot that can be read can be written, and is then the same.
    private static func checkSlots(_ image: [UInt8]) throws(Finding) {
        for slot in 0..<2 {
            guard case .valid(let found) = OffsetsSlot.read(image.span.extracting(range(image, slot))) else { continue }
            let encoded = found.encoded()
            try expect(OffsetsSlot.read(encoded.span) == .valid(found), "a slot of \(found.sinks.count) sinks changes")
        }
    }

    private static func range(_ image: [UInt8], _ slot: Int) -> Range<Int> {
        let half = image.count / 2
        return slot * half..<(slot + 1) * half
    }

    private static func mend(_ image: inout [UInt8], _ slot: Int) {
        let range = range(image, slot)
        let start = range.lowerBound
        guard range.count >= 48 else { return }
        let used = Int(image.span.uint32(at: start + 16))
        guard used >= 48, used <= range.count else { return }
        var checksum = CRC32C()
        checksum.update(image.span.extracting(start..<start + 12))
        checksum.update(image.span.extracting(start + 16..<start + used))
        for index in 0..<4 { image[start + 12 + index] = UInt8(truncatingIfNeeded: checksum.value >> (8 * index)) }
    }
}
