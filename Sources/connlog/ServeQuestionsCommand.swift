#if Server
import ArgumentParser
import ConnlogDaemon
import ConnlogPipeline
import ConnlogTools

/// `connlog serve-questions`: what `connlog run` starts for a `[server]`.
struct ServeQuestionsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve-questions", abstract: "Started by 'connlog run' when there is a [server].",
        shouldDisplay: false)

    func run() async throws {
        let host: ServerHost
        do { host = try ServerHost() } catch let error as ServerHost.NoForwarder { throw ToolError.usage("\(error)") }
        let log = OwnLog(host.connlog, progress: nil)
        await host.run(log: log.write, adopt: { log.adopt($0) })
    }
}
#endif
