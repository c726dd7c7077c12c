import ArgumentParser
import ConnlogConfig
import ConnlogTools

/// `--config F` or `--data-dir D`, for commands that look at the queue.
struct QueueOptions: ParsableArguments {
    @OptionGroup var file: ConfigurationFile

    @Option(help: "The data directory itself, instead of a configuration that names it.")
    var dataDir: String?

    /// The queue, and the configuration if one was read.
    func load() throws -> (location: QueueLocation, configuration: Configuration?) {
        if let dataDir { return (QueueLocation(dataDirectory: dataDir), nil) }
        let configuration = try file.load(valuesOf: ["connlog"])
        return (QueueLocation(dataDirectory: configuration.connlog.string("data_dir")), configuration)
    }
}

/// A bar on standard error, if that is a terminal.
struct TerminalProgress {
    private let line = Terminal.isTerminal(Terminal.standardError) ? ProgressLine() : nil

    var bar: ProgressBar {
        guard let line else { return ProgressBar(nil) }
        return ProgressBar { line.draw($0) }
    }

    /// Makes room for ordinary lines.
    func clear() { line?.clear() }
}
