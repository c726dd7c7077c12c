import ArgumentParser
import ConnlogConfig
import ConnlogTools

/// The words of the command line before they are parsed: what the parser would misread.
///
/// To it, any word with one dash and an `h` in it asks for help when something else is wrong: `-24h`, `-path`. We have
/// no options of several letters after one dash, so such a word is the value of the option before it, or a mistake.
enum CommandWords {
    /// The words, those of a query that exclude after all others.
    /// - Throws: a usage mistake that the parser would not tell well.
    static func sorted(_ words: [String], _ root: any ParsableCommand.Type) throws(ToolError) -> [String] {
        try checkCommands(words, root)
        let isQuery = words.first.map(QueryWords.commands.contains) ?? false
        var sorted: [String] = []
        var rest = words[...]
        while let word = rest.popFirst() {
            if word == "--" { return sorted + [word] + rest }
            guard isClustered(word), !(isQuery && QueryWords.excludes(word)) else {
                sorted.append(word)
                continue
            }
            guard let option = sorted.last, option.hasPrefix("--"), !option.contains("=") else {
                throw ToolError(advice(word), status: .usage)
            }
            sorted[sorted.count - 1] = "\(option)=\(word)"
        }
        return isQuery ? QueryWords.sorted(sorted) : sorted
    }

    /// One dash and more than one letter; `-c=F` is the parser's own.
    private static func isClustered(_ word: String) -> Bool {
        word.count > 2 && word.hasPrefix("-") && !word.hasPrefix("--") && !word.hasPrefix("-c=")
    }

    private static func advice(_ word: String) -> String {
        if word.dropFirst().first?.isNumber == true {
            return "'\(word)' stands after no option; write a time as --from \(word), or in a query as "
                + "connected_after:\(word)"
        }
        let option = "--" + word.dropFirst()
        return "unknown option '\(word)'; options have two dashes, such as \(option), and a word that a query excludes "
            + "stands after '--'"
    }

    /// Follows the names of commands as far as they go.
    private static func checkCommands(_ words: [String], _ root: any ParsableCommand.Type) throws(ToolError) {
        var command = root
        for word in words {
            let subcommands = command.configuration.subcommands
            if subcommands.isEmpty || word.hasPrefix("-") { return }
            var names: [String] = []
            var next: (any ParsableCommand.Type)?
            for subcommand in subcommands {
                let name = subcommand.configuration.commandName ?? ""
                names.append(name)
                if name == word { next = subcommand }
            }
            guard let next else {
                if word == "help" { return }
                throw unknown(word, names, command.configuration.commandName ?? "")
            }
            command = next
        }
    }

    private static func unknown(_ word: String, _ names: [String], _ parent: String) -> ToolError {
        #if !Server
        if word == "token" {
            return ToolError(
                "this connlog is a forwarder: it was built without the server that tokens are for (--disable-default-traits); "
                    + "'connlog token create' is in one that was built with it", status: .usage)
        }
        #endif
        let advice = Spelling.didYouMean(word, among: names) ?? "'\(parent) --help' lists the commands"
        let place = parent == "connlog" ? "" : "\(parent): "
        return ToolError("\(place)unknown command '\(word)'; \(advice)", status: .usage)
    }
}
