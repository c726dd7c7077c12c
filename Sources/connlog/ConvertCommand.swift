public import ArgumentParser
import ConnlogCore
import ConnlogDaemon
import ConnlogSystem
import ConnlogTools

/// `connlog convert`
struct ConvertCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "convert",
        abstract: "Turn coderd's log on standard input into events on standard output.",
        discussion: """
            Needs no configuration and keeps nothing. Lines that are not connection events are skipped; what was read
            and skipped is told on standard error.

              connlog convert --to csv < coderd.log > connections.csv
              journalctl -u coder -o cat | connlog convert --to human
              journalctl -u coder -o json --all | connlog convert --to csv
            """)

    @Option(
        help: """
            What comes in: auto, slog_json, slog_human, stackdriver, or who wrapped it: journal, journal_export, \
            fluentd, fluent_bit, vector, filebeat, cloudwatch, cloud_logging, datadog, otlp, loki, splunk, splunk_csv, stern, \
            kubectl or compose.
            """)
    var from = InputFormat.auto

    @Option(help: "What wraps each line: auto, none, docker or cri.")
    var container = ContainerFormat.auto

    @Option(help: "What goes out: json, human, rfc5424, hec, csv, cef, leef, ecs or ocsf.")
    var to: Converter.Format

    @Flag(help: "Do not tell on standard error what was read and skipped.")
    var quiet = false

    func run() throws {
        var converter = Converter(
            from: from, in: container, to: to, maxLine: 64 << 20, isShown: Terminal.showsData)
        do throws(SystemError) {
            try converter.run(0) { Terminal.put($0.array) }
        } catch {
            Terminal.writeError("connlog: standard input cannot be read: \(error)\n")
            throw ExitCode(ExitStatus.failed.rawValue)
        }
        if !quiet { Terminal.writeError(summary(converter.counts)) }
    }

    private func summary(_ counts: DecodeCounts) -> String {
        var text = "\(counts.lines) lines: \(counts.events) events"
        let others = [
            ("with values cut", counts.truncated), ("audit_log", counts.auditLog), ("other", counts.other),
            ("of those holding connection_log", counts.unreadMentions),
            ("seen before in another format", counts.duplicates),
            ("of which the wrapper has lost fields", counts.incomplete),
            ("too long", counts.tooLong), ("unfinished", counts.partial),
        ].filter { $0.1 > 0 }.map { "\($0.1) \($0.0)" }
        let malformed = counts.malformed.map { "\($0.value) malformed (\($0.key.label))" }.sorted()
        for part in others + malformed { text += ", \(part)" }
        text += "\n"
        for sample in counts.samples {
            text += "  at byte \(sample.position): \(sample.fault.reason.text): \(sample.text)\n"
        }
        return text
    }
}

extension InputFormat: ExpressibleByArgument {}
extension ContainerFormat: ExpressibleByArgument {}
extension Converter.Format: ExpressibleByArgument {}
