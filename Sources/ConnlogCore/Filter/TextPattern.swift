/// A text in which `*` stands for anything, nothing too: `pay*`, `*-prod`, `a*b`.
///
/// Matching goes over the text once for each piece, however many `*` there are.
package struct TextPattern: Sendable, Equatable {
    /// What stands between the `*`, in lower case.
    package let pieces: [String]

    /// - Parameter text: in lower case.
    package init(_ text: String) {
        pieces = text.split(separator: "*", omittingEmptySubsequences: false).map(String.init)
    }

    /// What a text must begin with, and a part that it must have: for whoever looks for candidates.
    package var prefix: String { pieces[0] }
    package var longest: String { pieces.max { $0.utf8.count < $1.utf8.count } ?? "" }

    /// - Parameter text: in lower case.
    package func matches(_ text: String) -> Bool {
        var rest = Array(text.utf8)[...]
        let all = pieces.map { Array($0.utf8) }
        guard let first = all.first, rest.starts(with: first) else { return false }
        guard all.count > 1, let last = all.last else { return rest.count == first.count }
        rest = rest.dropFirst(first.count)
        guard rest.count >= last.count, rest.suffix(last.count).elementsEqual(last) else { return false }
        rest = rest.dropLast(last.count)
        for piece in all.dropFirst().dropLast() where !piece.isEmpty {
            guard let end = TextPattern.end(of: piece, in: rest) else { return false }
            rest = rest[end...]
        }
        return true
    }

    /// After the first place of some bytes.
    private static func end(of piece: [UInt8], in text: ArraySlice<UInt8>) -> Int? {
        guard text.count >= piece.count else { return nil }
        for start in text.startIndex...(text.endIndex - piece.count)
        where text[start] == piece[0] && text[start..<start + piece.count].elementsEqual(piece) {
            return start + piece.count
        }
        return nil
    }
}
