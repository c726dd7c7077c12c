import ConnlogCore
import ConnlogSystem

/// What `connlog check --connect` finds about a journal.
struct JournaldTrial {
    /// Entries that are looked into, from the newest back.
    private static let entriesMax = 1000

    private let settings: JournalSettings
    private let format: InputFormat

    init(_ settings: JournalSettings, _ format: InputFormat) {
        self.settings = settings
        self.format = format
    }

    var findings: [TrialFinding] {
        if let missing = Journal.missing {
            return [.failed("there is no libsystemd: \(JournaldSource.advice(missing))")]
        }
        do throws(SystemError) {
            let journal = try Journal.open(settings)
            let access = JournalAccess(settings.place).problem.map { [TrialFinding.failed($0)] } ?? []
            guard try journal.oldest() != nil else {
                return access.isEmpty ? [.failed("\(settings.subject): no entry at all can be read")] : access
            }
            return access + (try look(journal))
        } catch {
            return [.failed("\(settings.subject) cannot be opened: \(error); \(Advice.reading(error))")]
        }
    }

    private func look(_ journal: Journal) throws(SystemError) -> [TrialFinding] {
        try journal.seekTail()
        var streams = JournalStreams(
            maxLine: settings.maxLine, hasContainers: !settings.containers.isEmpty,
            makeDecoder: JournaldSource.decoder(format, settings.maxLine))
        var batch = EventBatch()
        var entry = JournalEntry()
        var number = 0
        if try journal.previous(JournaldTrial.entriesMax) > 0 {
            repeat {
                try journal.read(into: &entry, messageMax: settings.messageMax)
                streams.take(entry, number, .zero, &batch)
                number += 1
            } while try journal.next()
        }
        streams.settle(&batch) { _ in true }
        let suppressed = streams.takeSuppressed()
        var findings = [seen(number, events: batch.count)]
        if suppressed > 0 {
            findings.append(
                .doubtful(
                    "journald has dropped \(Quantity.count(suppressed, "message")) lately, since they came too fast; write "
                        + "LogRateLimitIntervalSec=0 under [Service] of the unit"))
        }
        return findings
    }

    private func seen(_ entries: Int, events: Int) -> TrialFinding {
        guard entries > 0 else {
            return .doubtful(
                "\(settings.subject) has no entry yet: is the unit right, and does it log to the journal?")
        }
        let looked =
            "\(settings.subject) can be read; \(Quantity.count(events, "connection event")) in the last "
            + "\(entries == 1 ? "entry" : "\(entries) entries")"
        return events > 0
            ? .good(looked) : .doubtful("\(looked): is this coderd's log, and does coderd log connections?")
    }
}
