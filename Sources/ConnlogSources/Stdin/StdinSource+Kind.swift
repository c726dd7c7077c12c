public import ConnlogConfig
public import ConnlogCore
public import ConnlogPipeline
import ConnlogSystem

/// `type = stdin`, as the registry sees it.
extension StdinSource: SourceKind {
    /// The keys of its section.
    public static let schema = SectionSchema(
        kind: "source", type: "stdin", isNamed: true, example: "pipe",
        summary: "Reads standard input to its end; a pipe cannot be read again after a crash.",
        keys: LineKeys.all)

    /// What is right in a section and probably not meant.
    public static func doubts(_ section: Section) -> [String] {
        LineKeys.doubts(section, filledBy: "comes in by standard input")
    }

    /// Makes the source of a section; throws what is wrong with it, at its place.
    public static func make(_ section: Section, _ context: SourceContext) throws(Diagnostic) -> any Source {
        StdinSource(.standardInput, context, makeDecoder: LineKeys.decoder(section))
    }
}
