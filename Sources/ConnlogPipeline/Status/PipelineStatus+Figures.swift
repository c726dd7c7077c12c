package import ConnlogCore
package import ConnlogDelivery
package import ConnlogQueue

/// Each figure of a pipeline's parts, once: the metrics, the status as JSON and as text, the API's description and the
/// page show what is in these lists. Names are those of the metrics, without `connlog_queue_`, `connlog_source_` and
/// `connlog_sink_`.
extension PipelineStatus {
    /// Those of the queue.
    /// - Parameters:
    ///   - waiting: events that some sink has not got yet.
    ///   - bytesMax: what it may take on the disk.
    package func queueFigures(waiting: UInt64, bytesMax: Int) -> [Figure] {
        [
            Figure("ok", "1 while the queue takes events, 0 while sources wait.", isTrue: queue.state == .ok),
            Figure("state", "What it does: ok, or why sources wait.", state: queue.state.word),
            Figure(.gauge, "bytes", unit: .bytes, "Bytes of the queue on the disk.", queue.bytesOnDisk),
            Figure(.gauge, "bytes_max", unit: .bytes, "Bytes that it may take.", bytesMax),
            Figure(.gauge, "events", "Events kept in the queue.", queue.events),
            Figure(.gauge, "waiting_events", key: "waiting", "Events that some sink has not got yet.", waiting),
            Figure(.gauge, "segments", "Files of the queue.", queue.segments),
            Figure(.counter, "events", key: "end", "Events ever taken into this queue.", queue.end),
            Figure(
                .gauge, "events_per_second", unit: .perSecond, "Events taken in a second, over the last minute.",
                eventsPerSecond),
            Figure(.counter, "syncs", "Successful fdatasync calls.", queue.syncs),
            Figure(.counter, "sync_failures", "Failed ones.", queue.syncFailures),
            Figure(.counter, "damaged_places", "Places that could not be read.", queue.damagedPlaces),
            Figure(.counter, "damaged_events", "Events lost to damage.", queue.damagedEvents),
        ]
    }
}

extension PipelineStatus.Source {
    /// Those of a source.
    package var figures: [Figure] {
        [
            Figure(.counter, "lines", "Lines read.", counts.lines),
            Figure(.counter, "bytes", unit: .bytes, "Bytes taken in.", counts.bytes),
            Figure(.counter, "events", "Events taken in.", counts.events),
            Figure(
                .gauge, "events_per_second", unit: .perSecond, "Events taken in a second, over the last minute.",
                eventsPerSecond),
            Figure(
                .gauge, "last_event_age_seconds",
                "For how long no event has come; from the start, while there was none.",
                sinceLastEvent),
            Figure(
                .gauge, "unread_bytes", unit: .bytes,
                "What its files have beyond what it has read, looked at every ten seconds.",
                unreadBytes.map { Double($0) }),
            Figure(.counter, "duplicates", "Events that had come before.", counts.duplicates),
            Figure(.counter, "cut_events", key: "cut", "Events of too long lines, with values cut.", counts.cut),
            Figure(
                .counter, "incomplete_events", key: "incomplete",
                "Events of which a wrapper had lost fields; each names them.", counts.incomplete),
        ]
            + Figure.each(
                .counter, "skipped_lines", key: "skipped", "Lines that are no events, by kind.", by: "kind",
                counts.skipped)
            + Figure.each(
                .counter, "malformed_lines", key: "malformed", "Lines that cannot be read, by reason.", by: "reason",
                counts.malformed)
            + [
                Figure(.gauge, "files", "Files that are followed.", counts.files),
                Figure(
                    .counter, "rotations", "Files renamed or removed while they were followed.", counts.rotations),
                Figure(.counter, "truncations", "Files that became shorter.", counts.truncations),
                Figure("stuck", key: "is_stuck", "1 while the source does not get on.", isTrue: stuck != nil),
            ]
    }
}

extension PipelineStatus.Sink {
    /// For how long it goes on until it has everything, at the rates of the last minute.
    /// - Parameter incoming: events in a second that the queue takes in.
    /// - Returns: in seconds; 0 when it has everything, `nil` when at these rates it never has.
    package func catchUp(_ queue: QueueStatus, incoming: Double) -> Double? {
        let lag = lag(queue)
        if lag == 0 { return 0 }
        let gain = deliveredPerSecond - incoming
        return gain > 0 ? Double(lag) / gain : nil
    }

    /// Those of a sink's delivery.
    /// - Parameter incoming: events in a second that the queue takes in.
    package func figures(_ queue: QueueStatus, incoming: Double) -> [Figure] {
        let drops = queue.sinks.first { $0.name == name }?.drops ?? [:]
        let dropped = Dictionary(
            drops.map { ($0.key.rawValue, Int(clamping: $0.value)) }, uniquingKeysWith: { first, _ in first })
        return [
            Figure("state", "What it does.", state: status.state.word),
            Figure("stuck", key: "is_stuck", "1 while the sink has events and does not get on.", isTrue: stuck != nil),
            Figure(
                .gauge, "lag_events", key: "lag", "Events in the queue that the sink is not done with.", lag(queue)),
            Figure(
                .gauge, "oldest_event_age_seconds",
                "How long the oldest event that the sink is not done with has been in the queue, at least.",
                oldestWaits),
            Figure(
                .gauge, "uncommitted_events", key: "uncommitted",
                "Events that the sink is done with and whose place is not stored yet.", done - min(done, committed)),
            Figure(
                .counter, "delivered_events", key: "delivered", "Events that the receiver has.", status.delivered),
            Figure(
                .gauge, "delivered_events_per_second", key: "delivered_per_second", unit: .perSecond,
                "Events delivered in a second, over the last minute.", deliveredPerSecond),
            Figure(
                .gauge, "catch_up_seconds", unit: .seconds,
                "When it has everything, at the rates of the last minute; missing when at these rates it never has.",
                catchUp(queue, incoming: incoming)),
            Figure(
                .gauge, "unproven_events", key: "unproven", "Events accepted and not yet proven to be there.",
                status.unproven),
            Figure(
                .counter, "audit_events", key: "audits",
                "Events of who asked the server, which are among those of the sink.",
                status.audits),
            Figure(
                .counter, "filtered_events", key: "filtered", "Events that the sink's filter did not want.",
                status.filtered),
            Figure(
                .counter, "skipped_events", key: "skipped", "Events that the queue could not give.", status.skipped),
            Figure(
                .counter, "possible_repeats", "Events that may have been sent twice.", status.possibleRepeats),
        ]
            + Figure.each(
                .counter, "dropped_events", key: "dropped", "Events given up by on_full, by reason.", by: "reason",
                dropped)
            + Figure.each(.counter, "retries", "Batches sent again, by reason.", by: "reason", status.retries)
            + Figure.each(
                .counter, "dead_letters", "Events written to the dead letters, by reason.", by: "reason",
                status.deadLetters)
    }
}

extension DeliveryStatus.State {
    /// For the status and the metrics.
    package var word: String {
        switch self {
        case .starting: "starting"
        case .working: "working"
        case .retrying: "retrying"
        case .holding: "holding"
        case .stopped: "stopped"
        }
    }
}
