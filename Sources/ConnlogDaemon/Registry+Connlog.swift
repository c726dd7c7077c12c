import ConnlogCoder
package import ConnlogConfig
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

extension Registry {
    /// The sections that say which Coder to ask, and how: sources before directories.
    package func coders(of configuration: Configuration) -> [Section] {
        configuration.sections(ofKind: "source").filter { source($0.type) is any AsksCoder.Type }
            + configuration.sections(ofKind: "directory").filter(DirectorySection.asksCoder)
    }
}
