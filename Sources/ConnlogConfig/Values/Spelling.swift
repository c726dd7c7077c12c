/// The candidate that `word` was probably meant to be: the nearest one, when it is near.
///
/// Near is one insertion, deletion, change or swap of neighbours for each three characters, at least one.
func suggestion(for word: String, among candidates: some Sequence<String>) -> String? {
    guard word.count <= 64 else { return nil }
    let word = word.lowercased()
    let limit = max(1, word.count / 3)
    return candidates.map { (editDistance(word, $0), $0) }.filter { $0.0 <= limit }.min { $0 < $1 }?.1
}

/// `did you mean 'token'?`, or nothing.
func didYouMean(_ word: String, among candidates: some Sequence<String>) -> String? {
    suggestion(for: word, among: candidates).map { "did you mean '\($0)'?" }
}

/// Insertions, deletions, changes and swaps of neighbours that turn one into the other.
func editDistance(_ left: String, _ right: String) -> Int {
    let left = Array(left.utf8)
    let right = Array(right.utf8)
    var before = [Int](repeating: 0, count: right.count + 1)
    var above = Array(0...right.count)
    for (row, byte) in left.enumerated() {
        var current = [row + 1]
        for (column, other) in right.enumerated() {
            var cost = min(above[column + 1] + 1, current[column] + 1, above[column] + (byte == other ? 0 : 1))
            if row > 0, column > 0, byte == right[column - 1], left[row - 1] == other {
                cost = min(cost, before[column - 1] + 1)
            }
            current.append(cost)
        }
        (before, above) = (above, current)
    }
    return above[right.count]
}

/// The same for words that are not in a file.
package enum Spelling {
    /// `did you mean 'check'?`, or nothing.
    package static func didYouMean(_ word: String, among candidates: [String]) -> String? {
        ConnlogConfig.didYouMean(word, among: candidates)
    }
}
