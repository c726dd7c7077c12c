/// A line with a caret below the place that is meant, as compilers show it; one way for the configuration, for a query on
/// the command line and for one that a server has refused:
///
///         type:ssh code:lots
///                  ^
package enum CaretExcerpt {
    /// Of a longer line only what is near the caret is shown.
    package static let charactersMax = 120
    private static let charactersBefore = 80

    /// - Parameters:
    ///   - column: in characters from 0; what lies after the line is its end.
    ///   - mark: what stands below the character, such as a caret in a colour.
    /// - Returns: two lines, indented by four, without a line feed at the end.
    package static func text(_ line: [Character], column: Int, mark: String = "^") -> String {
        let caret = min(max(0, column), line.count)
        let start = max(0, min(caret - charactersBefore, line.count - charactersMax))
        let end = min(line.count, start + charactersMax)
        let (head, tail) = (start > 0 ? "..." : "", end < line.count ? "..." : "")
        // Tabs stay, so that the caret stands below its character.
        let shown = line[start..<end].map { $0 != "\t" && isActive($0) ? "\u{FFFD}" : $0 }
        let indent = head.map { _ in " " } + line[start..<caret].map { $0 == "\t" ? "\t" : " " }
        return "    \(head)\(String(shown))\(tail)\n    \(indent.joined())\(mark)"
    }

    /// - Parameter place: in bytes of the line's UTF-8.
    /// - Returns: `nil` for a place that the line does not have.
    package static func text(_ line: String, byte place: Int) -> String? {
        guard place >= 0, place <= line.utf8.count else { return nil }
        return text(Array(line), column: String(decoding: line.utf8.prefix(place), as: UTF8.self).count)
    }

    /// Whether a terminal would act upon it.
    private static func isActive(_ character: Character) -> Bool {
        character.unicodeScalars.contains { scalar in
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator: true
            default: false
            }
        }
    }
}
