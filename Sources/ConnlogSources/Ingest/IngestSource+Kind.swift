package import ConnlogConfig
package import ConnlogCore
package import ConnlogPipeline

/// `type = ingest`, as the registry sees it.
extension IngestSource: SourceKind {
    package static let schema = SectionSchema(
        kind: "source", type: "ingest", isNamed: true, example: "programs",
        summary: "Takes events that programs hand in over HTTP: see [server].",
        keys: LineKeys.all)

    package static func doubts(_ section: Section) -> [String] {
        LineKeys.doubts(section, filledBy: "a client hands in")
    }

    package static func make(_ section: Section, _ context: SourceContext) throws(Diagnostic) -> any Source {
        IngestSource(
            context, makeDecoder: LineKeys.eventDecoder(section, samplesMax: IngestSession.refusalsMax))
    }
}
