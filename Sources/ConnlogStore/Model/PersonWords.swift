package import ConnlogCore

/// Whom `person:` means: a name, an address or an id, or a pattern of names or addresses.
package enum PersonWords {
    /// Users of today come first: one who was deleted is meant only where nobody else has the name now.
    /// - Parameter caller: the user whom `me` means.
    package static func ids(_ text: String, _ names: any Names, _ caller: String?) -> [String] {
        if text == "me" { return somebody(caller.map { [$0] } ?? []) }
        if let id = UUIDText.normalized(text) { return somebody([id]) }
        return first { evenDeleted in
            [
                names.userIDs(named: text, evenDeleted: evenDeleted),
                names.userIDs(withEmail: text, evenDeleted: evenDeleted),
            ]
        }
    }

    static func ids(_ pattern: TextPattern, _ names: any Names) -> [String] {
        first { evenDeleted in
            let users = names.users.filter { evenDeleted || !$0.isDeleted }
            return [\UserName.username, \UserName.email].map { text in
                users.filter { pattern.matches($0[keyPath: text].lowercased()) }.map(\.id)
            }
        }
    }

    /// The first that are some: names before addresses, users of today before all that there ever were.
    private static func first(_ find: (_ evenDeleted: Bool) -> [[String]]) -> [String] {
        for evenDeleted in [false, true] {
            if let found = find(evenDeleted).first(where: { !$0.isEmpty }) { return somebody(found) }
        }
        return []
    }

    /// Go's id of nobody is nobody's.
    private static func somebody(_ ids: [String]) -> [String] {
        ids.filter { $0 != "00000000-0000-0000-0000-000000000000" }
    }
}
