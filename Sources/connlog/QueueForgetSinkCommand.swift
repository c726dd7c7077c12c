import ArgumentParser
import ConnlogConfig
import ConnlogTools

/// `connlog queue forget-sink`
struct QueueForgetSinkCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "forget-sink",
        abstract: "Let go of a sink that is not configured any more, and of what only it needed.",
        discussion: """
            A sink that was taken out of the configuration keeps its events in the queue, in case it comes back. This \
            gives them up. Take its section out, stop connlog, run this, and start it again.
            """)

    @OptionGroup var queue: QueueOptions

    @Argument(help: "The sink, as connlog queue inspect shows it.", completion: Completions.sinks)
    var name: String

    @Flag(help: "Also if there are events that the sink has not got.")
    var yes = false

    func run() async throws {
        let (location, configuration) = try queue.load()
        let configured = configuration?.sections(ofKind: "sink").compactMap(\.name)
        Terminal.write(try await SinkRemoval(name, at: location, configured: configured).run(isSure: yes))
    }
}
