import ArgumentParser
import ConnlogConfig
import ConnlogDaemon
import ConnlogPipeline

/// `connlog reference`: what `config/connlog.ini` holds, as far as this program knows it. Manual pages are made of it.
struct ReferenceCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reference",
        abstract: "Print a configuration with every section and key, what each takes, and its default.",
        shouldDisplay: false)

    func run() { Terminal.write(ReferenceText.text(Registry.connlog.reference)) }
}
