public import ConnlogConfig
public import ConnlogCore
public import ConnlogPipeline
import ConnlogSystem

/// `type = file`, as the registry sees it.
extension FileSource: SourceKind {
    /// The keys of its section.
    public static let schema = SectionSchema(
        kind: "source", type: "file", isNamed: true, example: "coderd", isActiveExample: true,
        summary: "Follows log files: growth, rotation by renaming, truncation, files that come later.",
        keys: [
            Key(
                "path", .list, required: true, example: "/var/log/coder/*.log",
                help: "Files to follow; * ? [a-z] in any part; packed files such as .gz are left out."),
            Key(
                "start_at", .choice(["beginning", "end"]), default: "beginning",
                help: "Where files begin that are there at the very first start; later ones begin at their beginning."),
        ] + LineKeys.all)

    /// The files that a section's source reads, as globs.
    public static func paths(_ section: Section) -> [String] { section.optionalList("path") }

    /// What can be said beforehand about a section's input, without reading it.
    public static func trial(_ section: Section) -> [TrialFinding] { FileSourceTrial(section).findings }

    /// What is right in a section and probably not meant.
    public static func doubts(_ section: Section) -> [String] {
        LineKeys.doubts(section) + LineKeys.doubts(section, paths: paths(section))
    }

    /// Makes the source of a section; throws what is wrong with it, at its place.
    public static func make(_ section: Section, _ context: SourceContext) throws(Diagnostic) -> any Source {
        let paths = section.list("path")
        if paths.isEmpty {
            throw section.error("path", "names no file; write one or more paths, such as /var/log/coder/*.log")
        }
        for path in paths where path.hasSuffix("/") {
            throw section.error("path", "'\(path)' is a directory; name the files in it, such as \(path)*.log")
        }
        if InputFormat(rawValue: section.string("format")) == .splunkCSV {
            throw section.error(
                "format",
                "splunk_csv is read from its first line on, as a whole; take such a file by standard input: 'connlog run --once' "
                    + "with type = stdin")
        }
        var settings = FileSettings(patterns: paths.map(Glob.init))
        settings.startsAtEnd = section.string("start_at") == "end"
        settings.once = context.once
        settings.written = context.written
        return FileSource(settings, context, makeDecoder: LineKeys.decoder(section))
    }
}
