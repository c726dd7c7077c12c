public import ConnlogCore
import ConnlogPipeline
import ConnlogSystem

extension StdinSource {
    /// Reads standard input to its end.
    /// - Parameters:
    ///   - format: how coderd wrote the lines.
    ///   - container: what a container runtime wrapped them in.
    ///   - origins: of wrapped lines those that are believed; events of others are counted as foreign.
    ///   - maxLine: bytes; of longer lines the longest values are cut. From 1 KiB to 64 MiB.
    ///   - log: gets what is to be said about the input, such as that it cannot be read.
    public init(
        format: InputFormat = .auto, container: ContainerFormat = .auto,
        origins: OriginConditions = OriginConditions(), maxLine: Int = 1 << 20, log: Log = .standardError
    ) {
        self.init(.standardInput, SourceContext(once: false, log: log.write)) {
            StreamDecoder(EventDecoder(format: format, container: container, origins: origins, maxLine: maxLine))
        }
    }
}
