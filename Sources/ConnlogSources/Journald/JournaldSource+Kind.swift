public import ConnlogConfig
public import ConnlogCore
public import ConnlogPipeline
import ConnlogSystem

/// `type = journald`, as the registry sees it.
extension JournaldSource: SourceKind {
    /// The keys of its section.
    public static let schema = SectionSchema(
        kind: "source", type: "journald", isNamed: true, example: "journal",
        summary: "Reads what a unit of systemd's logs, from the journal; needs libsystemd0 on the machine.",
        keys: [
            Key(
                "unit", .list, default: "coder.service",
                help: "Units whose standard output and error are read; with container_name, the one that writes for it."
            ),
            Key(
                "identifier", .list, example: "coder",
                help: "Of these units only lines with one of these SYSLOG_IDENTIFIERs; without it, all."),
            Key(
                "container_name", .list, example: "coder",
                help: "Containers that log by the journald driver; unit is then docker.service unless it is set."),
            Key(
                "namespace", .string, example: "coder",
                help: "The journal of units with this LogNamespace=; without it, the machine's own."),
            Key(
                "directory", .path, example: "/var/log/journal",
                help: "Journal files of this directory, as of a container's host; without it, the machine's own."),
            Key(
                "start_at", .choice(["beginning", "end"]), default: "beginning",
                help: "Where reading begins at the very first start."),
            LineKeys.format, LineKeys.maxLine,
        ])

    /// What can be said beforehand about a section's input, without reading it.
    public static func trial(_ section: Section) -> [TrialFinding] {
        do throws(Diagnostic) {
            return JournaldTrial(try settings(section), format(section)).findings
        } catch {
            // The section's mistakes are told by whoever makes the source.
            return []
        }
    }

    /// Makes the source of a section; throws what is wrong with it, at its place.
    public static func make(_ section: Section, _ context: SourceContext) throws(Diagnostic) -> any Source {
        var settings = try settings(section)
        settings.once = context.once
        return JournaldSource(settings, context, makeDecoder: decoder(format(section), settings.maxLine))
    }

    static func decoder(_ format: InputFormat, _ maxLine: Int) -> @Sendable () -> StreamDecoder {
        { StreamDecoder(EventDecoder(format: format, container: .none, maxLine: maxLine)) }
    }

    private static func format(_ section: Section) -> InputFormat {
        InputFormat(rawValue: section.string("format")) ?? .auto
    }

    private static func settings(_ section: Section) throws(Diagnostic) -> JournalSettings {
        let containers = section.optionalList("container_name")
        let isDocker = !containers.isEmpty && !section.isSet("unit")
        let units = isDocker ? ["docker.service"] : section.list("unit")
        if units.isEmpty { throw section.error("unit", "names no unit; write one such as coder.service") }
        for unit in units where unit.contains(where: { "*?[/ ".contains($0) }) {
            throw section.error("unit", "'\(unit)' is no name of a unit; write it whole, such as coder.service")
        }
        var settings = JournalSettings(units: units.map { $0.contains(".") ? $0 : $0 + ".service" })
        settings.identifiers = section.optionalList("identifier")
        settings.containers = containers
        settings.startsAtEnd = section.string("start_at") == "end"
        settings.maxLine = section.size("max_line")
        if let directory = section.optionalString("directory"), !directory.isEmpty {
            settings.place = .directory(directory)
        }
        if let namespace = section.optionalString("namespace"), !namespace.isEmpty {
            if namespace.contains("/") || namespace.hasPrefix(".") {
                throw section.error(
                    "namespace", "'\(namespace)' is no name of a namespace; write it as in LogNamespace=")
            }
            if case .directory = settings.place {
                settings.namespace = namespace
            } else {
                settings.place = .namespace(namespace)
            }
        }
        return settings
    }
}
