import ArgumentParser
import ConnlogDaemon
import ConnlogSystem
import ConnlogTools

/// `connlog`: arguments in, exit status out.
@main
struct Connlog: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "connlog",
        abstract: "Forwards Coder's connection logs: who connected to which workspace, how, from where, and when.",
        discussion: """
            Reads coderd's log, keeps every connection event on disk, and sends it to log files, syslog receivers \
            and Splunk; a sink that is down neither loses an event nor holds up another.

              connlog convert --to csv < coderd.log      look at the events of a log, without any configuration
              connlog check --config connlog.ini         is the configuration right?
              connlog run --config connlog.ini --once    deliver what is there, then stop
              connlog run --config connlog.ini           follow the log and deliver, until SIGTERM
              connlog check --send                       try every sink with one marked test event
              connlog queue inspect                      what waits for whom
              connlog dead-letter list                   what receivers have refused for good
              connlog replay --sink splunk --from -24h   send again what a receiver has lost
              connlog status                             how is the running connlog?
              connlog events 'type:ssh status:ongoing'   ask its store; connlog tail follows live
              connlog reconcile --from -24h --to now     is anything missing that Coder's own table has?

            Without --config the file is /etc/connlog/connlog.ini. Shell completion: \
            connlog --generate-completion-script bash (or zsh, fish).

            Exit status: 0 done, 1 failed while running, or found something, 2 configuration or usage, 3 stopped with events still queued \
            (they are safe, and go out after the next start).
            """,
        version: Version.long,
        subcommands: [
            RunCommand.self, CheckCommand.self, ConvertCommand.self, QueueCommand.self, DeadLetterCommand.self,
            ReplayCommand.self, StatusCommand.self, EventsCommand.self, ExportCommand.self, TailCommand.self,
            AuditCommand.self, ReconcileCommand.self, ReferenceCommand.self,
        ] + serverCommands)

    #if Server
    private static var serverCommands: [any ParsableCommand.Type] { [TokenCommand.self, ServeQuestionsCommand.self] }
    #else
    private static var serverCommands: [any ParsableCommand.Type] { [] }
    #endif

    /// ArgumentParser's own ending, but with 2 for a wrong command line.
    static func main() async {
        ProcessStart.prepare()
        guard let arguments = ProcessStart.arguments else {
            Terminal.writeError(
                "connlog: error: the command line cannot be found out, so nothing was started; is /proc there, and does a "
                    + "preloaded library (LD_PRELOAD) change the environment?\n")
            Terminal.exit(ExitStatus.usage.rawValue)
        }
        do {
            let words = try CommandWords.sorted(Array(arguments.dropFirst()), Connlog.self)
            // Only what completes a word may have to ask somebody for it; for all else no thread is begun before the command.
            let isCompletion = words.first == "---completion"
            var command = isCompletion ? try await asyncParseAsRoot(words) : try parseAsRoot(words)
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
            Terminal.finish()
        } catch let error as ToolError {
            Terminal.writeFailure("connlog: error: \(error)\n")
            Terminal.exit(error.status.rawValue)
        } catch {
            let isUsage = exitCode(for: error) == .validationFailure
            let message = fullMessage(for: error)
            if !message.isEmpty { isUsage ? Terminal.writeFailure(message + "\n") : Terminal.write(message + "\n") }
            Terminal.exit(isUsage ? ExitStatus.usage.rawValue : exitCode(for: error).rawValue)
        }
    }
}
