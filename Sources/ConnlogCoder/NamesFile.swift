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

    /// Writes them unless they stand there already.
    package func write(_ people: some Collection<UserName>) throws(SystemError) {
        var text = ByteBuffer()
        NamesFile.add(["id", "username", "email", "name", "deleted"], to: &text)
        for user in people.sorted(by: { $0.id < $1.id }) {
            NamesFile.add(
                [user.id, user.username, user.email, user.name, user.isDeleted ? "true" : "false"], to: &text)
        }
        try write(users, text)
    }

    package func write(_ found: some Collection<OrganizationName>) throws(SystemError) {
        var text = ByteBuffer()
        NamesFile.add(["id", "name", "display_name", "icon"], to: &text)
        for organization in found.sorted(by: { $0.id < $1.id }) {
            NamesFile.add([organization.id, organization.name, organization.displayName, organization.icon], to: &text)
        }
        try write(organizations, text)
    }

    /// As a whole or not at all: the names from before stay until the new ones are on disk.
    private func write(_ path: String, _ text: ByteBuffer) throws(SystemError) {
        if NamesFile.holds(path, text) { return }
        try WholeFile.write(text, to: path)
    }

    /// Whether a file is this text. Read piece by piece: there may be many names.
    private static func holds(_ path: String, _ text: ByteBuffer) -> Bool {
        guard let file = try? LocalFile.openRegular(path) else { return false }
        var done = 0
        var piece = ByteBuffer()
        while true {
            piece.removeAll()
            guard let count = try? file.read(into: &piece, at: done, count: 1 << 18), done + count <= text.count else {
                return false
            }
            if count == 0 { return done == text.count }
            for place in 0..<count where piece.span[place] != text.span[done + place] { return false }
            done += count
        }
    }

    private static func add(_ fields: [String], to text: inout ByteBuffer) {
        text.append(contentsOf: Array((fields.map(CSVText.quoted).joined(separator: ",") + "\n").utf8))
    }
}
