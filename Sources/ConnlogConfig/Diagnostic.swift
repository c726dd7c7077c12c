/// A place in a configuration file; line and column count from 1, the column in characters.
public struct Place: Sendable, Hashable, Codable {
    /// The file as it was named.
    public let file: String
    /// 0 when it is about the file as a whole.
    public let line: Int
    /// 0 when it is about the file as a whole.
    public let column: Int

    /// A place; line and column count from 1.
    public init(file: String, line: Int, column: Int) {
        self.file = file
        self.line = line
        self.column = column
    }

    /// The file as a whole: one that cannot be read, or that lacks something.
    public static func wholeFile(_ file: String) -> Place { Place(file: file, line: 0, column: 0) }

    /// `connlog.ini:12:18`, or the name alone for the file as a whole.
    public var text: String { line == 0 ? file : "\(file):\(line):\(column)" }
}

/// Something wrong, or odd, in a configuration file.
public struct Diagnostic: Error, Sendable, Equatable {
    /// How bad it is: an error keeps a configuration from being used, a note belongs to another diagnostic.
    public enum Severity: String, Sendable { case error, warning, note }

    /// How bad it is.
    public let severity: Severity
    /// Where it is.
    public let place: Place
    /// One sentence with the next step. Never a secret.
    public let message: String
    /// Other places that belong to it, such as the first of two duplicates.
    public let notes: [Diagnostic]

    /// Something said about a place. The message must never hold a secret.
    public init(_ severity: Severity, _ place: Place, _ message: String, notes: [Diagnostic] = []) {
        self.severity = severity
        self.place = place
        self.message = message
        self.notes = notes
    }
}
