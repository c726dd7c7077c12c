import ConnlogCoder
import ConnlogConfig
import ConnlogCore

/// `[directory "name"]`: where the names are that go with ids.
enum DirectorySection {
    static let schemas = [csv, coder]

    private static let csv = SectionSchema(
        kind: "directory", type: "csv", isNamed: true, example: "people",
        summary: "Names of users or organizations, which events do not carry, out of a CSV file.",
        keys: [
            Key(
                "path", .path, required: true, example: "/etc/connlog/users.csv",
                help: "A file with a header line: id,username,email,name[,deleted] for users, "
                    + "id,name,display_name,icon for organizations. It is read again when it changes; with a mistake in it, "
                    + "the names from before stay.")
        ])

    private static let coder = SectionSchema(
        kind: "directory", type: "coder_api", isNamed: true, example: "coder",
        summary: "Names of users and organizations from Coder itself, kept in data_dir for when it does not answer.",
        keys: [
            CoderKeys.url, CoderKeys.token,
            Key(
                "interval", .duration(.seconds(60) ... .seconds(7 * 86_400)), default: "15m",
                help: "How often all users are read; those that are new are looked for each minute."),
        ] + CoderKeys.rest)

    /// The files with its names.
    static func sources(_ section: Section, in dataDirectory: String) -> [NameDirectory.Source] {
        let name = section.name ?? ""
        guard section.type == "coder_api" else {
            return [NameDirectory.Source(name: name, path: section.string("path"))]
        }
        let file = NamesFile(name, in: dataDirectory)
        return [file.users, file.organizations].map { NameDirectory.Source(name: name, path: $0, isOwn: true) }
    }

    /// How to ask Coder; `nil` for one of another type.
    static func api(_ section: Section, version: String) throws(Diagnostic) -> CoderAPI? {
        guard section.type == "coder_api" else { return nil }
        return try CoderKeys.api(section, version: version)
    }
}
