public import ConnlogConfig
public import ConnlogCore
public import ConnlogPipeline
import ConnlogSystem

/// `type = stdin`, as the registry sees it.
extension StdinSource: SourceKind {
    public static let schema = SectionSchema(
        kind: "source", type: "stdin", isNamed: true, example: "pipe",
        summary: "Reads standard input to its end; a pipe cannot be read again after a crash.",
        keys: LineKeys.all)

    public static func doubts(_ section: Section) -> [String] { LineKeys.doubts(section) }

    public static func make(_ section: Section, _ context: SourceContext) throws(Diagnostic) -> any Source {
        StdinSource(.standardInput, context, makeDecoder: LineKeys.decoder(section))
    }
}
