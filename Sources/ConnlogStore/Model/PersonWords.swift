import ConnlogCore

/// Whom `person:` means: a name, an address or an id.
enum PersonWords {
    /// Users of today come first: one who was deleted is meant only where nobody else has the name now.
    static func ids(_ text: String, _ names: any Names, _ caller: String?) -> [String] {
        if text == "me" { return somebody(caller.map { [$0] } ?? []) }
        if let id = UUIDText.normalized(text) { return somebody([id]) }
        func find(_ evenDeleted: Bool) -> [String] {
            let named = names.userIDs(named: text, evenDeleted: evenDeleted)
            return named.isEmpty ? names.userIDs(withEmail: text, evenDeleted: evenDeleted) : named
        }
        let found = find(false)
        return somebody(found.isEmpty ? find(true) : found)
    }

    /// Go's id of nobody is nobody's.
    private static func somebody(_ ids: [String]) -> [String] {
        ids.filter { $0 != "00000000-0000-0000-0000-000000000000" }
    }
}
