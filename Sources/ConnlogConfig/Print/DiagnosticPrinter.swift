import ConnlogSystem

/// Writes diagnostics as compilers do:
///
///     connlog.ini:12:18: error: [sink "splunk"] batch_wait: '5 parsecs' is not a duration; ...
///         batch_wait     = 5 parsecs
///                          ^
struct DiagnosticPrinter {
    let sources: SourceLines
    let color: Bool

    /// The diagnostic and its notes, with a line feed at the end.
    func text(_ diagnostic: Diagnostic) -> String {
        let (name, code) =
            switch diagnostic.severity {
            case .error: ("error", "31")
            case .warning: ("warning", "35")
            case .note: ("note", "36")
            }
        let head =
            painted("\(shown(diagnostic.place.text, charactersMax: 300)):", "1") + " "
            + painted("\(name):", "1;" + code)
        return head + " \(diagnostic.message)\n" + excerpt(diagnostic.place) + diagnostic.notes.map(text).joined()
    }

    private func excerpt(_ place: Place) -> String {
        guard let line = sources.line(place) else { return "" }
        // What is masked may have been longer: the caret stays with the line.
        return CaretExcerpt.text(Array(line), column: place.column - 1, mark: painted("^", "1;32")) + "\n"
    }

    private func painted(_ text: String, _ code: String) -> String {
        color ? "\u{1B}[\(code)m\(text)\u{1B}[0m" : text
    }
}
