import ConnlogCoder
import ConnlogConfig
import ConnlogCore

/// One kind of `[directory]`, as `type = ` names it.
protocol DirectoryKind: SendableMetatype {
    static var schema: SectionSchema { get }
    /// The files with its names.
    static func sources(_ section: Section, in dataDirectory: String) -> [NameDirectory.Source]
    /// Its names are asked for, not read from what is there.
    static var asksCoder: Bool { get }
}

/// `[directory "name"]`: where the names are that go with ids.
enum DirectorySection {
    private static let kinds: [any DirectoryKind.Type] = [CSVDirectory.self, CoderDirectory.self]
    static let schemas = kinds.map { $0.schema }

    private static func kind(_ section: Section) -> (any DirectoryKind.Type)? {
        kinds.first { $0.schema.type == section.type }
    }

    /// The files with its names.
    static func sources(_ section: Section, in dataDirectory: String) -> [NameDirectory.Source] {
        kind(section)?.sources(section, in: dataDirectory) ?? []
    }

    static func asksCoder(_ section: Section) -> Bool { kind(section)?.asksCoder ?? false }

    /// How to ask Coder; `nil` for one of a kind that does not.
    static func api(_ section: Section, version: String) throws(Diagnostic) -> CoderAPI? {
        guard asksCoder(section) else { return nil }
        return try CoderKeys.api(section, version: version)
    }
}

private enum CSVDirectory: DirectoryKind {
    static let asksCoder = false
    static let schema = SectionSchema(
        kind: "directory", type: "csv", isNamed: true, example: "people",
        summary: "Names of users or organizations, which events do not carry, out of a CSV file.",
        keys: [
            Key(
                "path", .path, required: true, example: "/etc/connlog/users.csv",
                help: "A file with a header line: id,username,email,name[,deleted] for users, "
                    + "id,name,display_name,icon for organizations. It is read again when it changes; with a mistake in it, "
                    + "the names from before stay.")
        ])

    static func sources(_ section: Section, in dataDirectory: String) -> [NameDirectory.Source] {
        [NameDirectory.Source(name: section.name ?? "", path: section.string("path"))]
    }
}

private enum CoderDirectory: DirectoryKind {
    static let asksCoder = true
    static let schema = SectionSchema(
        kind: "directory", type: "coder_api", isNamed: true, example: "coder",
        summary: "Names of users and organizations from Coder itself, kept in data_dir for when it does not answer.",
        keys: [
            CoderKeys.url, CoderKeys.token,
            Key(
                "interval", .duration(.seconds(60) ... .seconds(7 * 86_400)), default: "15m",
                help: "How often all users are read; those that are new are looked for each minute."),
        ] + CoderKeys.rest)

    static func sources(_ section: Section, in dataDirectory: String) -> [NameDirectory.Source] {
        let name = section.name ?? ""
        let file = NamesFile(name, in: dataDirectory)
        return [file.users, file.organizations].map { NameDirectory.Source(name: name, path: $0, isOwn: true) }
    }
}
