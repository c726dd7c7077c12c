import ConnlogConfig
package import ConnlogCore
package import ConnlogSystem

/// The decoder as sources use it.
package struct StreamDecoder: EntryDecoder {
    private var decoder: EventDecoder

    package init(_ decoder: EventDecoder) {
        self.decoder = decoder
    }

    package var restartDistance: Int { decoder.restartDistance }

    package mutating func decode(_ input: Range<Int>, in batch: inout EventBatch, isEnd: Bool) -> Int {
        decoder.decode(input, in: &batch, isEnd: isEnd)
    }

    package mutating func flushPending(_ input: Range<Int>, in batch: inout EventBatch) -> Int {
        decoder.flushPending(input, in: &batch)
    }

    package mutating func handOver(to next: inout any EntryDecoder) {
        guard var heir = next as? StreamDecoder else { return }
        decoder.handOver(to: &heir.decoder)
        next = heir
    }

    package mutating func isOfFile(_ path: String) { decoder.isOfFile(path) }

    package var hasInherited: Bool { decoder.hasInherited }

    package mutating func warm(_ seen: ByteBuffer) {
        decoder.warm(seen.span)
    }

    /// Exchanges what is known of the events seen so far (`EventDecoder.exchangeSeen`).
    package mutating func exchangeSeen(_ seen: inout DuplicateWindow) { decoder.exchangeSeen(&seen) }

    package mutating func takeCounts(_ place: String, start: Int) -> SourceCounts {
        let taken = decoder.takeCounts()
        var counts = SourceCounts(taken)
        counts.samples = taken.samples.map { sample in
            MalformedSample(
                place: place, offset: start + sample.position, reason: sample.fault.description, text: sample.text)
        }
        return counts
    }
}

extension SourceCounts {
    /// What a decoder has counted, all but bytes, events and samples.
    init(_ taken: DecodeCounts) {
        self.init()
        lines = taken.lines
        duplicates = taken.duplicates
        cut = taken.truncated
        incomplete = taken.incomplete
        let skipped = [
            "audit_log": taken.auditLog, "other": taken.other - taken.unreadMentions, "too_long": taken.tooLong,
            "unfinished": taken.partial,
            "unread_mentions": taken.unreadMentions, "foreign": taken.foreign,
        ]
        self.skipped = skipped.filter { $0.value > 0 }
        for (reason, count) in taken.malformed { malformed[reason.label] = count }
    }
}

/// The keys of sources that read lines.
enum LineKeys {
    static let all: [Key] = [
        Key(
            "format", .choice(InputFormat.allCases.map(\.rawValue)), default: "auto",
            help: "How coderd wrote the lines, or who wrapped them; auto tells line by line, where that is certain."),
        Key(
            "container", .choice(ContainerFormat.allCases.map(\.rawValue)), default: "auto",
            help: "What a container runtime wrapped them in; auto tells line by line, and shippers too."),
        Key(
            "from_unit", .list, example: "coder.service",
            help: "Of wrapped lines: believe these systemd units only; events of others are counted as foreign."),
        Key(
            "from_container", .list, example: "coder",
            help: "Believe these containers only, by what the wrapper itself says, not the line."),
        Key("from_namespace", .list, example: "coder", help: "Believe these namespaces of Kubernetes only."),
        Key(
            "from_log_group", .list, example: "/coder/production",
            help: "Believe these log groups of CloudWatch only."),
        maxLine,
    ]

    /// Of lines that nobody has wrapped.
    static let format = Key(
        "format", .choice(InputFormat.allCases.filter { !$0.isShared }.map(\.rawValue)), default: "auto",
        help: "How coderd wrote the lines; auto tells line by line.")

    static let maxLine = Key(
        "max_line", .size(1 << 10...64 << 20), default: "1MiB", help: "Of longer lines the longest values are cut.")

    /// Makes decoders as the section says.
    static func decoder(_ section: Section) -> @Sendable () -> any EntryDecoder {
        let make = eventDecoder(section)
        return { StreamDecoder(make()) }
    }

    /// - Parameter samplesMax: how many lines that cannot be read are kept, until the counts are taken.
    static func eventDecoder(
        _ section: Section, samplesMax: Int = DecodeCounts.samplesMax
    ) -> @Sendable () -> EventDecoder {
        let format = InputFormat(rawValue: section.string("format")) ?? .auto
        let container = ContainerFormat(rawValue: section.string("container")) ?? .auto
        let maxLine = section.size("max_line")
        let origins = origins(section)
        return {
            EventDecoder(
                format: format, container: container, origins: origins, maxLine: maxLine, samplesMax: samplesMax)
        }
    }

    /// Whom a section believes.
    static func origins(_ section: Section) -> OriginConditions {
        OriginConditions(
            units: section.optionalList("from_unit"), containers: section.optionalList("from_container"),
            namespaces: section.optionalList("from_namespace"), logGroups: section.optionalList("from_log_group"))
    }

    /// Where nodes keep the logs of all containers: a name that is no coderd's in each.
    private static let foreignFiles: [String] = {
        let id = String(repeating: "0123456789abcdef", count: 4)
        return [
            "/var/log/containers/dev-0_workspaces_dev-\(id).log", "/var/log/pods/workspaces_dev-0_\(id)/dev/0.log",
            "/var/lib/docker/containers/\(id)/\(id)-json.log",
        ]
    }()

    /// The same of files of which other containers have some too.
    static func doubts(_ section: Section, paths: [String]) -> [String] {
        guard origins(section).isEmpty else { return [] }
        return paths.filter { path in foreignFiles.contains { Glob(path).matches($0) } }.map { path in
            let way =
                path.contains("docker")
                ? "name coderd's file alone"
                : "say with from_container and from_namespace which are coderd's, or name its files alone"
            return
                "\(section.heading) path: '\(path)' has the logs of all containers, and each of them can write an event; \(way)"
        }
    }

    /// What is to be said of a section that reads what many programs may have written, and does not ask who did.
    static func doubts(_ section: Section) -> [String] {
        guard origins(section).isEmpty, let format = InputFormat(rawValue: section.string("format")), format.isShared
        else { return [] }
        return [
            "\(section.heading) format: \(format.rawValue) brings lines of many programs, and each of them can write an event; "
                + "say with from_unit, from_container, from_namespace or from_log_group which is coderd's"
        ]
    }

    /// The same of an input that others fill: with `auto` it brings whatever they have wrapped, of any program.
    /// - Parameter who: fills it, in words.
    static func doubts(_ section: Section, filledBy who: String) -> [String] {
        let isOpen = section.string("format") == InputFormat.auto.rawValue
        let isWrapped = section.string("container") == ContainerFormat.auto.rawValue
        guard origins(section).isEmpty, isOpen, isWrapped else { return doubts(section) }
        return [
            "\(section.heading) format: auto takes lines of every program whose log \(who), and each of them can write an "
                + "event; say with from_unit, from_container, from_namespace or from_log_group which is coderd's, or, if all "
                + "of it is coderd's, how that writes: format = slog_json or slog_human"
        ]
    }
}
