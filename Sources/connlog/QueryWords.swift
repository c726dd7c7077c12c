import ArgumentParser

/// A query as words of the command line: `type:ssh -ip:10.0.0.0/8 --json` in any order, with or without quotes.
///
/// A word that excludes, such as `-type:ssh`, looks like an option; `sorted` puts those after `--`, where none is looked
/// for. What is no `-key:` stays where it is, so that a misspelt option is told as such.
struct QueryWords: ParsableArguments {
    @Argument(help: "Which, in the filter language; without it, all.", completion: Completions.query)
    var words: [String] = []

    /// The commands that take one.
    static let commands = ["events", "export", "tail"]

    var text: String { words.joined(separator: " ") }

    /// The command line with the words that exclude at its end.
    static func sorted(_ arguments: [String]) -> [String] {
        let excluding = arguments.filter(excludes)
        return excluding.isEmpty ? arguments : arguments.filter { !excludes($0) } + ["--"] + excluding
    }

    static func excludes(_ word: String) -> Bool {
        guard word.hasPrefix("-"), let colon = word.firstIndex(of: ":") else { return false }
        let key = word[word.index(after: word.startIndex)..<colon]
        return !key.isEmpty && key.allSatisfy { $0.isLowercase && $0.isASCII || $0 == "_" }
    }
}
