import ArgumentParser
import ConnlogConfig
import ConnlogCore
import ConnlogDaemon
import ConnlogPipeline
import ConnlogTools
import Synchronization

/// What a shell may offer for a word that is being written: names of sinks out of the configuration, keys and values of
/// queries, and names of people as the running connlog knows them. What cannot be found out is not offered, without a word.
enum Completions {
    static let configuration = CompletionKind.file(extensions: ["ini"])

    static let sinks = CompletionKind.custom { words, _, prefix in
        var environment = Environment.process
        environment.readsCredentials = false
        let path = option(["--config", "-c"], words) ?? ConfigurationFile.usual
        let loaded = Registry.connlog.load(path, environment: environment, valuesOf: ["connlog"])
        let names = loaded.tentative?.sections(ofKind: "sink").compactMap(\.name) ?? []
        return names.filter { $0.hasPrefix(prefix) }
    }

    static let query = CompletionKind.custom { words, index, prefix in
        let word = prefix.isEmpty && words.indices.contains(index) ? words[index] : prefix
        guard QueryCompletion.wantsNames(word) else { return QueryCompletion().candidates(word) }
        let names = await names(words)
        let people = names?["users"]?.array?.compactMap { $0["username"]?.string } ?? []
        let organizations = names?["organizations"]?.array?.compactMap { $0["name"]?.string } ?? []
        return QueryCompletion(people: people, organizations: organizations).candidates(word)
    }

    /// Nobody waits long for a completion.
    private static let patience = Duration.seconds(2)

    private static func names(_ words: [String]) async -> JSONValue? {
        let server = ServerConnection(
            config: option(["--config", "-c"], words), url: option(["--url"], words),
            tokenFile: option(["--token-file"], words), tlsCa: option(["--tls-ca"], words))
        let answer = Mutex<[UInt8]>([])
        do {
            try await server.get("/api/v2/connectionlog/names", timeout: patience) { bytes in
                answer.withLock { $0 += bytes }
            }
            return try JSONValue(reading: answer.withLock { $0 })
        } catch { return nil }
    }

    /// The value of an option among words as the shell has them.
    static func option(_ names: [String], _ words: [String]) -> String? {
        for (index, word) in words.enumerated() {
            for name in names {
                if word == name, words.indices.contains(index + 1) { return words[index + 1] }
                if word.hasPrefix(name + "=") { return String(word.dropFirst(name.count + 1)) }
            }
        }
        return nil
    }
}
