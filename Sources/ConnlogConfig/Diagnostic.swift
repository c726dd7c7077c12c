/// A place in a configuration file; line and column count from 1, the column in characters.
public struct Place: Sendable, Hashable {
    public let file: String
    public let line: Int
    public let column: Int

    public init(file: String, line: Int, column: Int) {
        self.file = file
        self.line = line
        self.column = column
    }
}

/// Something wrong, or odd, in a configuration file.
public struct Diagnostic: Error, Sendable, Equatable {
    public enum Severity: String, Sendable { case error, warning, note }

    public let severity: Severity
    public let place: Place
    /// One sentence with the next step. Never a secret.
    public let message: String

    public init(_ severity: Severity, _ place: Place, _ message: String) {
        self.severity = severity
        self.place = place
        self.message = message
    }
}
