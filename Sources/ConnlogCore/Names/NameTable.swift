/// The names of one file.
///
/// The header line says what they are names of: with a column `username` they are users (`id username email name
/// deleted`), else organizations (`id name display_name icon`). Columns may come in any order; others are passed over.
/// Only `id` and the name must be there.
package struct NameTable: Sendable, Equatable {
    package private(set) var users: [UserName] = []
    package private(set) var organizations: [OrganizationName] = []

    package init() {}

    /// Why a file gives no names; all of it is refused.
    package struct Mistake: Error, Equatable, Sendable, CustomStringConvertible {
        /// From 1.
        package let line: Int
        package let text: String
        package var description: String { "line \(line): \(text)" }
    }

    /// - Parameter csv: CSV with a header line, UTF-8.
    package init(csv: [UInt8]) throws(Mistake) {
        var reader = CSVReader(csv)
        do throws(CSVReader.Mistake) {
            guard let header = try reader.next() else { throw CSVReader.Mistake(line: 1, text: NameTable.noHeader) }
            let columns = try Columns(header)
            var linesOfIDs: [String: Int] = [:]
            while let record = try reader.next() { try add(record, columns, &linesOfIDs) }
        } catch {
            throw Mistake(line: error.line, text: error.text)
        }
    }

    private static let noHeader =
        "no header line; begin with 'id,username,email,name' for users or 'id,name,display_name,icon' for organizations"

    /// Where the columns stand.
    private struct Columns {
        let count: Int
        let isOfUsers: Bool
        private let places: [String: Int]

        init(_ header: CSVReader.Record) throws(CSVReader.Mistake) {
            let names = header.fields.map { $0.lowercased().filter { $0 != " " } }
            count = names.count
            places = Dictionary(names.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
            isOfUsers = places["username"] != nil
            guard places["id"] != nil, isOfUsers || places["name"] != nil else {
                throw CSVReader.Mistake(line: header.line, text: NameTable.noHeader)
            }
        }

        func value(_ name: String, _ record: CSVReader.Record) -> String {
            places[name].map { record.fields[$0] } ?? ""
        }
    }

    private mutating func add(
        _ record: CSVReader.Record, _ columns: Columns, _ linesOfIDs: inout [String: Int]
    ) throws(CSVReader.Mistake) {
        guard record.fields.count == columns.count else {
            let text = "\(record.fields.count) fields, and the header has \(columns.count)"
            throw CSVReader.Mistake(line: record.line, text: text)
        }
        let given = columns.value("id", record)
        guard let id = UUIDText.normalized(given) else {
            throw CSVReader.Mistake(line: record.line, text: "the id '\(given)' is not a UUID")
        }
        if let first = linesOfIDs.updateValue(record.line, forKey: id) {
            throw CSVReader.Mistake(line: record.line, text: "the id \(id) stands in line \(first) already")
        }
        if columns.isOfUsers {
            users.append(try user(id, record, columns))
        } else {
            organizations.append(
                OrganizationName(
                    id: id, name: columns.value("name", record), displayName: columns.value("display_name", record),
                    icon: columns.value("icon", record)))
        }
    }

    private func user(
        _ id: String, _ record: CSVReader.Record, _ columns: Columns
    ) throws(CSVReader.Mistake) -> UserName {
        let deleted = columns.value("deleted", record).lowercased()
        guard ["", "true", "false", "yes", "no", "1", "0"].contains(deleted) else {
            throw CSVReader.Mistake(line: record.line, text: "deleted is '\(deleted)'; write true or false")
        }
        return UserName(
            id: id, username: columns.value("username", record), email: columns.value("email", record),
            name: columns.value("name", record), isDeleted: ["true", "yes", "1"].contains(deleted))
    }
}
