import ArgumentParser
import ConnlogConfig
import ConnlogDaemon

/// `connlog check`
struct CheckCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Say whether the configuration is right, and what it comes to.",
        discussion: """
            Prints every mistake with its place, exactly as `connlog run` would, and ends with status 2; or the
            effective configuration, each value with where it comes from, and ends with 0. Starts nothing.
            """)

    @OptionGroup var file: ConfigurationFile

    func run() async throws {
        let configuration = try file.load(showsDoubts: true)
        Terminal.write(configuration.effectiveText)
        Terminal.writeError("\(file.config): the configuration is right\n")
    }
}
