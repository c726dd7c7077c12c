import ArgumentParser
import ConnlogCore
import ConnlogTools

/// `connlog dead-letter`
struct DeadLetterCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dead-letter",
        abstract: "Look at the events that a receiver refused for good; send them again, or drop them.",
        discussion: """
            They lie in <data_dir>/queue/dead-letter/<sink>/<day>.jsonl, a line each. All of these commands may be used \
            beside a running daemon.

              connlog dead-letter list
              connlog dead-letter show splunk/4711
              connlog dead-letter retry --sink splunk            after the receiver was mended
              connlog dead-letter drop --sink splunk --day 2026-03-03 --yes
            """,
        subcommands: [
            DeadLetterListCommand.self, DeadLetterShowCommand.self, DeadLetterRetryCommand.self,
            DeadLetterDropCommand.self,
        ])
}

/// Which dead letters are meant.
struct DeadLetterChoice: ParsableArguments {
    @Option(help: "Only of this sink.", completion: Completions.sinks)
    var sink: String?

    @Option(help: "Only those refused on this day, in UTC, such as 2026-03-03.")
    var day: String?

    @Option(help: "Only those with this reason, such as http_400.")
    var reason: String?

    func selection(ids: [String] = []) throws(ToolError) -> (sink: String?, DeadLetterSelection) {
        var chosen = DeadLetterSelection()
        chosen.day = day
        chosen.reason = reason
        var sinks = Set([sink].compactMap { $0 })
        for id in ids {
            guard let (name, offset) = DeadLetter.parse(id) else {
                throw ToolError("'\(id)' is no dead letter's id; connlog dead-letter list shows them", status: .usage)
            }
            sinks.insert(name)
            chosen.offsets.insert(offset)
        }
        if sinks.count > 1 { throw ToolError("one sink at a time, please", status: .usage) }
        return (sinks.first, chosen)
    }
}

/// `connlog dead-letter list`
struct DeadLetterListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List them, the newest of each sink last.")

    @OptionGroup var queue: QueueOptions
    @OptionGroup var choice: DeadLetterChoice

    @Option(help: "Show at most this many, the newest; 0 shows all.")
    var limit = 1000

    @Flag(help: "Print JSON, an object a line, with the whole record, whatever their number.")
    var json = false

    func run() async throws {
        let location = try queue.load().location
        let (sink, selection) = try choice.selection()
        var letters: [DeadLetter] = []
        var count = 0
        let unreadable = try DeadLetterList(sink: sink, at: location).forEach(selection) { letter in
            count += 1
            if json { return Terminal.write(letter.json.line + "\n") }
            letters.append(letter)
            if limit > 0, letters.count >= 2 * limit { letters.removeFirst(limit) }
        }
        for place in unreadable { Terminal.complain(.warning, place) }
        if json { return }
        if count == 0 { return Terminal.write("no dead letters\n") }
        if limit > 0, letters.count > limit { letters.removeFirst(letters.count - limit) }
        Terminal.write(DeadLetter.table(letters))
        if count > letters.count {
            Terminal.write("... and \(count - letters.count) older ones; --limit 0 shows all\n")
        }
    }
}

/// `connlog dead-letter show`
struct DeadLetterShowCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Show one with the receiver's answer and the event as it was received.")

    @OptionGroup var queue: QueueOptions

    @Argument(help: "Its id, as list shows it, such as splunk/4711.")
    var id: String

    @Flag(help: "Print JSON, one object.")
    var json = false

    func run() async throws {
        let location = try queue.load().location
        let (sink, selection) = try DeadLetterChoice.parse([]).selection(ids: [id])
        var found = 0
        _ = try DeadLetterList(sink: sink, at: location).forEach(selection) { letter in
            found += 1
            Terminal.write(json ? letter.json.line + "\n" : letter.details)
        }
        if found == 0 { throw ToolError("there is no dead letter \(id); connlog dead-letter list shows them") }
    }
}

/// `connlog dead-letter drop`
struct DeadLetterDropCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "drop",
        abstract: "Remove dead letters for good.",
        discussion: "Name them by id, or by --sink, --day or --reason, or say --all. Nothing goes without --yes.")

    @OptionGroup var queue: QueueOptions
    @OptionGroup var choice: DeadLetterChoice

    @Argument(help: "Ids, as list shows them, such as splunk/4711.")
    var ids: [String] = []

    @Flag(help: "All dead letters of all sinks.")
    var all = false

    @Flag(help: "Yes, remove them.")
    var yes = false

    func validate() throws {
        let isChosen = !ids.isEmpty || choice.sink != nil || choice.day != nil || choice.reason != nil
        if !all && !isChosen { throw ValidationError("which ones? name ids, --sink, --day or --reason, or say --all") }
        if all && isChosen { throw ValidationError("--all and a choice contradict each other") }
    }

    func run() async throws {
        let location = try queue.load().location
        let (sink, selection) = try choice.selection(ids: ids)
        let list = try DeadLetterList(sink: sink, at: location)
        guard yes else {
            var count = 0
            _ = try list.forEach(selection) { _ in count += 1 }
            throw ToolError(
                "\(count) dead letters would be removed for good; say --yes if that is meant", status: .usage)
        }
        let dropped = try await list.drop(selection)
        Terminal.write("\(dropped) dead letters removed\n")
        if dropped == 0 && !ids.isEmpty {
            throw ToolError("none of these ids is there; connlog dead-letter list shows them")
        }
    }
}
