import ConnlogCoder
import ConnlogConfig
package import ConnlogPipeline
import ConnlogSinks
import ConnlogSources

extension Registry {
    /// Every kind of source and sink that connlog has. A new one is a folder and a line here.
    package static let connlog = Registry(
        sources: [FileSource.self, StdinSource.self, JournaldSource.self, CoderTableSource.self] + ServerPart.sources,
        sinks: [FileSinkKind.self, SyslogSinkKind.self, SplunkHECSinkKind.self],
        others: DirectorySection.schemas + ServerPart.schemas,
        planned: ServerPart.planned)
}
