public import ConnlogConfig
private import ConnlogCore
public import ConnlogPipeline
private import ConnlogSystem

/// `type = file`.
public enum FileSinkKind: SinkKind {
    /// The keys of its section.
    public static let schema = SectionSchema(
        kind: "sink", type: "file", isNamed: true, example: "local", isActiveExample: true,
        summary: "Writes events as lines into a file, each exactly once, and rotates it.",
        keys: [
            Key(
                "path", .path, required: true, example: "/var/log/connlog/connections.jsonl",
                help: "The file; its directory is made when it is missing."),
            Key(
                "format", .choice(["json", "human", "rfc5424", "cef", "leef", "ecs", "ocsf"]), default: "json",
                help:
                    "json: the line as received; human: as slog writes it for people; rfc5424: a syslog message; cef, leef, "
                    + "ecs, ocsf: the event in the format that SIEMs want."),
            Key(
                "rotate_size", .size(1024...Int.max), default: "100MiB",
                help: "A file never grows beyond this, unless one record alone is larger."),
            Key(
                "rotate_every", .duration(.zero ... .seconds(36_600 * 86_400)), default: "1d",
                help: "A new file begins at each multiple of this, in UTC (1d: at midnight); 0s: never."),
            Key("keep", .integer(0...1_000_000), default: "14", help: "Rotated files that stay; 0 keeps all."),
            Key("compress", .choice(["gzip", "none"]), default: "gzip", help: "What is done to rotated files."),
            Key("mode", .fileMode, default: "0640", help: "Permissions of new files, whatever the umask says."),
        ])

    /// Reads a section; throws what is wrong with it, at its place.
    public static func maker(_ section: Section, _ context: SinkContext) throws(Diagnostic) -> SinkMaker {
        let path = section.string("path")
        guard !path.hasSuffix("/") else { throw section.error("path", "'\(path)' is a directory; name a file in it") }
        let every = section.duration("rotate_every").components
        let options = FileSinkOptions(
            path: path, format: format(section, context), rotateBytes: section.size("rotate_size"),
            rotateEvery: every.seconds * 1_000_000_000 + every.attoseconds / 1_000_000_000,
            keep: section.integer("keep"), compresses: section.string("compress") == "gzip",
            permissions: UInt32(section.integer("mode")))
        return SinkMaker { FileSink(options, log: context.log) }
    }

    /// The file that a section's sink writes.
    public static func file(_ section: Section) -> SinkFile? {
        guard let path = section.optionalString("path") else { return nil }
        return SinkFile(
            path: path, isDevice: DevicePath.isOne(path), holdsRecords: section.optionalString("format") == "json"
        ) { writes($0, as: path) }
    }

    /// Whether the sink that writes `path` gives files in its directory such a name: the file itself, those rotated
    /// away, compressed or not, and damaged ends that were set aside.
    static func writes(_ name: String, as path: String) -> Bool {
        let own = FilePath.name(of: path)
        return name == own || RotatedName(of: own).parse(name) != nil || name.hasPrefix(own + ".tail-")
    }

    /// Formats of SIEMs have no place for who asked.
    public static func refusalOfAudit(_ section: Section) -> String? {
        guard let format = section.optionalString("format"), SIEMFormat(rawValue: format) != nil else { return nil }
        return "have no form in format = \(format) yet; a second sink can write them"
    }

    private static func format(_ section: Section, _ context: SinkContext) -> LineFormat {
        let text = section.string("format")
        if let format = SIEMFormat(rawValue: text) { return .siem(SIEMEncoder(format, hostname: context.hostname)) }
        return switch text {
        case "human": .human(HumanEncoder())
        case "rfc5424": .rfc5424(hostname: context.hostname)
        default: .json
        }
    }
}
