package import ConnlogCore
package import ConnlogSystem

/// The names that were last heard of, in two files that a start without Coder has them from, and that every process of
/// connlog reads (`NameTable`).
package struct NamesFile: Sendable {
    package let users: String
    package let organizations: String

    /// - Parameters:
    ///   - name: of the `[directory]`.
    ///   - dataDirectory: `data_dir` of `[connlog]`.
    package init(_ name: String, in dataDirectory: String) {
        let directory = "\(dataDirectory)/names"
        users = "\(directory)/\(name).users.csv"
        organizations = "\(directory)/\(name).organizations.csv"
    }

    /// What is there; nothing where there is no file, or one that cannot be read.
    package func read() -> (users: [UserName], organizations: [OrganizationName]) {
        func table(_ path: String) -> NameTable {
            guard let file = try? LocalFile.openRegular(path),
                let bytes = try? file.bytes(limit: NameDirectory.fileBytesMax)
            else { return NameTable() }
            return (try? NameTable(csv: bytes.array)) ?? NameTable()
        }
        return (table(users).users, table(organizations).organizations)
    }

    package func write(_ people: [UserName]) throws(SystemError) {
        let rows = people.sorted { $0.id < $1.id }.map {
            [$0.id, $0.username, $0.email, $0.name, $0.isDeleted ? "true" : "false"]
        }
        try write(users, [["id", "username", "email", "name", "deleted"]] + rows)
    }

    package func write(_ found: [OrganizationName]) throws(SystemError) {
        let rows = found.sorted { $0.id < $1.id }.map { [$0.id, $0.name, $0.displayName, $0.icon] }
        try write(organizations, [["id", "name", "display_name", "icon"]] + rows)
    }

    /// As a whole or not at all: the names from before stay until the new ones are on disk.
    private func write(_ path: String, _ rows: [[String]]) throws(SystemError) {
        var text = ByteBuffer()
        for row in rows {
            text.append(contentsOf: Array(row.map(NamesFile.quoted).joined(separator: ",").utf8))
            text.append(contentsOf: Array("\n".utf8))
        }
        try WholeFile.write(text, to: path)
    }

    private static func quoted(_ text: String) -> String { "\"\(text.replacing("\"", with: "\"\""))\"" }
}
