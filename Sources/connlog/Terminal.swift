import ConnlogCore
import ConnlogDaemon
import ConnlogSystem
import Synchronization

/// Standard output and standard error.
///
/// Data that cannot be written ends the process, wherever that is noticed: with 1 and a sentence, since whoever reads the
/// data must not take it for everything; or, when the reader of a pipe has seen enough, without a word and with 141, as
/// other programs end by SIGPIPE. On a terminal, whatever would act upon it is written as text (`TerminalText`).
enum Terminal {
    static let standardOutput: Int32 = 1
    static let standardError: Int32 = 2
    /// 128 and the number of SIGPIPE.
    private static let nobodyReads: Int32 = 141

    static func isTerminal(_ descriptor: Int32) -> Bool { Machine.isTerminal(descriptor) }

    /// Whether somebody looks at the data as it comes.
    static let showsData = isTerminal(standardOutput)

    /// Whether a terminal that can do more than print gets the data.
    static let drawsOver = showsData && ProcessEnvironment.value("TERM") != "dumb"

    /// Whether data may have colours: on a terminal that can show them, for somebody who has not said no (no-color.org).
    static let showsColour = drawsOver && (ProcessEnvironment.value("NO_COLOR") ?? "").isEmpty

    /// The same for messages.
    static let showsColourOfErrors =
        isTerminal(standardError) && ProcessEnvironment.value("TERM") != "dumb"
        && (ProcessEnvironment.value("NO_COLOR") ?? "").isEmpty

    /// How many characters a line of data may have; `nil` where nothing limits it.
    static var columns: Int? {
        guard showsData else { return nil }
        if let text = ProcessEnvironment.value("COLUMNS"), let columns = Int(text), columns > 0 { return columns }
        return Machine.terminalSize(standardOutput)?.columns ?? 80
    }

    /// Whether the journal of systemd gets the messages, a line an entry, each with its priority before it.
    static let errorsGoToJournal = JournalStream.isDescriptor(
        standardError, ProcessEnvironment.value("JOURNAL_STREAM"))

    /// Data, for people or pipes.
    static func write(_ text: String) { put(Array((showsData ? TerminalText.lines(text) : text).utf8)) }

    /// Bytes that are fit for a terminal, if it is one.
    static func put(_ bytes: [UInt8]) {
        do throws(SystemError) { try Machine.write(bytes, to: standardOutput) } catch { giveUp(error) }
    }

    /// All data is written. A disk may say only now that it has no room.
    static func finish() {
        do throws(SystemError) { try Machine.close(standardOutput) } catch {
            // One that was closed before is missed only by who writes to it.
            if error.code != Errno.badDescriptor { giveUp(error) }
        }
    }

    private static func giveUp(_ error: SystemError) -> Never {
        if error.code == Errno.brokenPipe { Machine.exitNow(nobodyReads) }
        writeError(
            "connlog: error: standard output cannot be written: \(error.reason); what came out so far is not everything\n"
        )
        Machine.exitNow(1)
    }

    /// Messages, of one line or several. Where they cannot be written there is no place left to say so.
    static func writeError(_ text: String) { draw(TerminalText.lines(text)) }

    /// What ends the command, of one line or several.
    static func writeFailure(_ text: String) {
        writeError(errorsGoToJournal ? LogLine.journalLines("error", text) : text)
    }

    /// Messages with colours, or that are drawn over one another: as they are.
    static func draw(_ text: String) { try? Machine.write(Array(text.utf8), to: standardError) }

    /// A message of a command that has no log: `connlog: warning: ...`, nothing below that.
    static func complain(_ level: LogLevel, _ text: String) {
        if level >= .warning { writeError("connlog: \(level): \(text)\n") }
    }

    static func exit(_ status: Int32) -> Never { Machine.exit(status) }
}

/// Data that comes in pieces, cut anywhere, as a server sends it.
final class DataStream: Sendable {
    private let filter: Mutex<TerminalFilter>

    init(_ form: TerminalFilter.Form = .lines) { filter = Mutex(TerminalFilter(form)) }

    func write(_ bytes: [UInt8]) {
        Terminal.put(Terminal.showsData ? filter.withLock { $0.clean(bytes) } : bytes)
    }

    /// Nothing comes after.
    func finish() { Terminal.put(filter.withLock { $0.finish() }) }
}
