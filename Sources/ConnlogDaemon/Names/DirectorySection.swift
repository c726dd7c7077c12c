import ConnlogConfig
import ConnlogCore

/// `[directory "name"]`: a file of names that go with ids.
enum DirectorySection {
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

    static func source(_ section: Section) -> NameDirectory.Source {
        NameDirectory.Source(name: section.name ?? "", path: section.string("path"))
    }
}
