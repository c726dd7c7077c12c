public import ConnlogCore
import ConnlogPipeline
import ConnlogSystem

extension FileSource {
    /// Where files begin that are there at the very first start; later ones begin at their beginning.
    public enum Start: Sendable { case beginning, end }

    /// Follows log files: growth, rotation by renaming, truncation, files that come later.
    /// - Parameters:
    ///   - paths: files to follow; `*`, `?` and `[a-z]` stand for others in any part, and lead to no packed files such as
    ///     `.gz`. Not those that a sink of the same pipeline writes: each event would come back for ever.
    ///   - start: where a file is begun that is there when the source has never run; later ones are read from the beginning.
    ///   - format: how coderd wrote the lines.
    ///   - container: what a container runtime wrapped them in.
    ///   - origins: of wrapped lines those that are believed; events of others are counted as foreign.
    ///   - maxLine: bytes; of longer lines the longest values are cut. From 1 KiB to 64 MiB.
    ///   - once: read the files to the end that they have now, then return.
    ///   - log: gets what is to be said about the files, such as that one cannot be read.
    public init(
        paths: [String], startAt start: Start = .beginning, format: InputFormat = .auto,
        container: ContainerFormat = .auto, origins: OriginConditions = OriginConditions(), maxLine: Int = 1 << 20,
        once: Bool = false, log: Log = .standardError
    ) {
        var settings = FileSettings(patterns: paths.map(Glob.init))
        settings.startsAtEnd = start == .end
        settings.once = once
        self.init(settings, SourceContext(once: once, log: log.write)) {
            StreamDecoder(EventDecoder(format: format, container: container, origins: origins, maxLine: maxLine))
        }
    }
}
