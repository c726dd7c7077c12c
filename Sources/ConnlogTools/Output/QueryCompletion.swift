import ConnlogCore

/// What a word of a query may become, for shells that complete it.
package struct QueryCompletion: Sendable {
    private let people: [String]
    private let organizations: [String]

    /// - Parameters:
    ///   - people: user names; only those are offered that mean nothing to a shell.
    ///   - organizations: their names.
    package init(people: [String] = [], organizations: [String] = []) {
        self.people = people.filter(QueryCompletion.isPlain)
        self.organizations = organizations.filter(QueryCompletion.isPlain)
    }

    /// Whoever can name a user must not write a command into somebody's shell.
    package static func isPlain(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.count <= 64 && !text.hasPrefix("-")
            && text.utf8.allSatisfy { byte in
                switch byte {
                case 0x30...0x39, 0x41...0x5a, 0x61...0x7a: true
                default: "._-@".utf8.contains(byte)
                }
            }
    }

    /// Whether names are of use for it.
    package static func wantsNames(_ word: String) -> Bool {
        guard let key = word.drop(while: { $0 == "-" }).split(separator: ":").first, word.contains(":") else {
            return false
        }
        return peopleKeys.contains(String(key)) || key == "organization"
    }

    private static let peopleKeys = ["workspace_owner", "username", "person"]

    /// The words that begin with what there is: keys, and after a colon values.
    package func candidates(_ word: String) -> [String] {
        let sign = word.hasPrefix("-") ? "-" : ""
        let rest = word.dropFirst(sign.count)
        guard let colon = rest.firstIndex(of: ":") else {
            return FilterQuery.keys.filter { $0.hasPrefix(rest) }.map { "\(sign)\($0):" }
        }
        let (key, value) = (String(rest[..<colon]), rest[rest.index(after: colon)...])
        return values(of: key).filter { $0.hasPrefix(value) }.map { "\(sign)\(key):\($0)" }
    }

    private func values(of key: String) -> [String] {
        switch key {
        case "type": ConnectionType.allCases.filter { $0 != .other }.map(\.rawValue)
        case "method": ConnectionMethod.allCases.filter { $0 != .other }.map(\.rawValue)
        case "status": FilterStatus.allCases.map(\.rawValue)
        case "event": ConnectionStatus.allCases.map(\.rawValue)
        case "connected_after", "connected_before": ["-1h", "-24h", "-7d", "-30d"]
        case "organization": organizations
        case let key where QueryCompletion.peopleKeys.contains(key): (key == "person" ? [] : ["me"]) + people
        default: []
        }
    }
}
