extension Section {
    /// The keys whose values differ between two readings of a section, `type` among them.
    ///
    /// A secret that its user reads again by itself, such as `${file:...}`, is the same as long as it is found in the same
    /// place.
    package func changes(from other: Section) -> Set<String> {
        var changed: Set<String> = type == other.type ? [] : ["type"]
        for key in Set(values.keys).union(other.values.keys) where !isSame(key, other) { changed.insert(key) }
        return changed
    }

    private func isSame(_ key: String, _ other: Section) -> Bool {
        if let mine = secrets[key], let theirs = other.secrets[key], mine.canChange || theirs.canChange {
            return mine.isSame(as: theirs)
        }
        return values[key] == other.values[key]
    }
}
