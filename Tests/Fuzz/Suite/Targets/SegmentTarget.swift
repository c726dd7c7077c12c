@testable import ConnlogSystem

@testable import ConnlogQueue

/// Opening and reading a queue, whatever its segments hold: it opens, it ends, and it invents nothing.
enum SegmentTarget {
    static func check(_ bytes: [UInt8]) throws(Finding) {
        var choices = Choices(bytes)
        if choices.byte() < 128 { try checkBytes(&choices) } else { try checkDamage(&choices) }
    }

    // MARK: - The bytes are a segment

    /// The rest of the input is the only segment, once most of its checksums were put right: no fuzzer guesses those.
    private static func checkBytes(_ choices: inout Choices) throws(Finding) {
        var image = RawSegment(wrongChecksums: choices.byte(), renumbers: choices.byte() < 128, choices.remaining)
        let files = MemoryFiles()
        let first = image.mend()
        let path = "\(QueueRun.directory)/\(SegmentName.of(min(first ?? 0, UInt64(Int64.max) - 1)))"
        files[path] = image.bytes
        let run = try QueueRun(files)
        guard run.queue != nil else { return }
        try run.expectAscending()
        let possible = run.events.isEmpty ? [] : image.possible()
        for event in run.events {
            try expect(possible.contains(event), "event \(event.offset) stands nowhere in the file")
        }
        if let first, first < Int64.max {
            let certain = image.certain()
            try expect(run.events.starts(with: certain), "\(certain.count) whole events are not what is read first")
        }
        try checkAgain(run, files)
    }

    /// What opening wrote has changed nothing.
    private static func checkAgain(_ run: QueueRun, _ files: MemoryFiles) throws(Finding) {
        let again = try QueueRun(files)
        try expect(again.queue != nil, "it opens once only")
        try expect(again.events == run.events, "\(run.events.count) events at first, \(again.events.count) then")
    }

    // MARK: - Segments of ours, damaged

    /// The input says what was written and what became of it.
    private static func checkDamage(_ choices: inout Choices) throws(Finding) {
        var written = WrittenQueue(&choices)
        written.damage(&choices)
        let run = try QueueRun(written.files)
        guard run.queue != nil else { throw Finding("a version that nobody wrote") }
        try run.expectAscending()
        for event in run.events {
            try expect(written.events.contains { $0.event == event }, "event \(event.offset) was never written")
        }
        let offsets = Set(run.events.map(\.offset))
        let lost = written.certain().filter { !offsets.contains($0) }
        try expect(lost.isEmpty, "\(lost) are lost, and nothing touched them")
        if !written.mayLoseSilently, run.events.count < written.expected {
            try expect(run.damagedPlaces > 0, "\(written.expected - run.events.count) lost without a word")
        }
        try checkAgain(run, written.files)
    }
}
