import ConnlogQueue

/// What must be true of the queue, whatever happens to it.
struct CrashModel: Sendable {
    struct Sink: Sendable {
        /// The offset that is on disk for sure, and the greatest one that may be.
        var least: UInt64 = 0
        var most: UInt64 = 0
        var quota: Int?
        var onFull = OnFull.block
        var stateBytes = 0
        /// A call about it did not return.
        var isUncertain = false

        func state(_ offset: UInt64) -> [UInt8] {
            Array("\(offset)".utf8) + [UInt8](repeating: 0x20, count: stateBytes)
        }
    }

    var handedOver: [(text: String, source: String)] = []
    /// What `flush` has confirmed, and what of that must survive a crash of the machine.
    var stored = 0
    var acknowledged = 0
    var sinks: [String: Sink] = [:]
    /// Sinks that were forgotten for good, and those that may have been.
    var forgotten: Set<String> = []
    /// Sources whose checkpoint is gone for good, and those of which that may be so.
    var goneSources: Set<String> = []
    var leavingSources: Set<String> = []
    var waits = 0
    var isFinished = false

    /// What the sink committed last is on disk.
    mutating func confirmCommit(of sink: String) {
        guard let most = sinks[sink]?.most else { return }
        sinks[sink]?.least = most
    }

    /// What is not as promised in a queue that was opened after a crash.
    /// - Parameters:
    ///   - missing: events before the end that are gone, though a sink had committed them.
    ///   - isStrict: everything acknowledged was synced. If not, sinks may be ahead of what is left.
    func differences(_ queue: Queue, missing: UInt64, isStrict: Bool) throws -> [String] {
        let end = Int(queue.end - missing)
        var failures = counts(queue, end, isStrict) + checkpoints(queue, end)
        for (name, sink) in sinks { failures += try differences(name, sink, queue, end) }
        for sink in queue.status.sinks where forgotten.contains(sink.name) && sinks[sink.name] == nil {
            failures.append("\(sink.name) was forgotten and is there")
        }
        let isExpected = { (damage: Damage) in damage.kind == .tornTail || damage.kind == .offsetsSlot }
        if !queue.report.damage.allSatisfy(isExpected) || queue.status.damagedEvents > 0 {
            failures.append("damage: \(queue.report.damage) \(queue.status.recentDamage)")
        }
        return failures
    }

    private func counts(_ queue: Queue, _ end: Int, _ isStrict: Bool) -> [String] {
        var failures: [String] = []
        if end < acknowledged { failures.append("\(acknowledged) were acknowledged, \(end) are there") }
        if end > handedOver.count { failures.append("\(end) are there, \(handedOver.count) were handed over") }
        if isStrict, queue.report.missingEvents > 0 {
            failures.append("a sink is \(queue.report.missingEvents) events ahead of the log")
        }
        if queue.report.offsetsLost { failures.append("the offsets are lost") }
        return failures
    }

    private func checkpoints(_ queue: Queue, _ end: Int) -> [String] {
        var counts: [String: Int] = [:]
        for event in handedOver.prefix(end) { counts[event.source, default: 0] += 1 }
        return Set(handedOver.map(\.source)).compactMap { source in
            let found = queue.checkpoints[source].map { String(decoding: $0, as: UTF8.self) }
            if goneSources.contains(source) { return found == nil ? nil : "the checkpoint of \(source) is back" }
            if leavingSources.contains(source), found == nil { return nil }
            let expected = counts[source, default: 0]
            return found ?? "0" == "\(expected)"
                ? nil : "the checkpoint of \(source) says \(found ?? "nothing"), it has \(expected) events"
        }
    }

    private func differences(_ name: String, _ sink: Sink, _ queue: Queue, _ end: Int) throws -> [String] {
        var failures: [String] = []
        let position = try queue.registerSink(name, quota: sink.quota, onFull: sink.onFull)
        let mayDrop = sink.onFull == .dropOldest
        if position.offset < sink.least || !mayDrop && position.offset > max(sink.most, sink.least) {
            failures.append("\(name) is at \(position.offset), committed \(sink.least)...\(sink.most)")
        }
        let isAsCommitted = position.state == sink.state(position.offset) || position.offset == 0 || position.isNew
        if !mayDrop, !sink.isUncertain, !isAsCommitted, !position.state.isEmpty {
            failures.append("\(name) is at \(position.offset) with the state of another offset")
        }
        let texts = try queue.readAll(name)
        let expected = handedOver.prefix(end).dropFirst(Int(position.offset)).map(\.text)
        if texts != expected {
            failures.append(
                "\(name) at \(position.offset) reads \(texts.count) of \(expected.count) events up to \(end)")
        }
        return failures
    }
}
