public import ConnlogCore
import ConnlogPipeline
import ConnlogSystem

extension JournaldSource {
    /// Where reading begins at the very first start.
    public enum Start: Sendable { case beginning, end }

    /// Reads what units log to systemd's journal. Needs libsystemd where it runs, not where it is built.
    /// - Parameters:
    ///   - units: such as `coder.service`.
    ///   - directory: journal files of this directory; `nil` for the machine's own.
    ///   - start: where a journal is begun that the source has never read.
    ///   - format: how coderd wrote the lines.
    ///   - maxLine: bytes; of longer lines the longest values are cut. From 1 KiB to 64 MiB.
    ///   - once: read the journal to the end that it has now, then return.
    ///   - log: gets what is to be said about the journal, such as that it cannot be read.
    public init(
        units: [String] = ["coder.service"], directory: String? = nil, startAt start: Start = .beginning,
        format: InputFormat = .auto, maxLine: Int = 1 << 20, once: Bool = false, log: Log = .standardError
    ) {
        var settings = JournalSettings(units: units)
        if let directory { settings.place = .directory(directory) }
        settings.startsAtEnd = start == .end
        settings.once = once
        settings.maxLine = maxLine
        self.init(
            settings, SourceContext(once: once, log: log.write),
            makeDecoder: JournaldSource.decoder(format, maxLine))
    }
}
