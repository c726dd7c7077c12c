import ConnlogSystem

/// Finds the files that `include` names.
enum Includes {
    /// What one item of `include` stands for: existing files in bytewise order.
    ///
    /// `*` and `?` may stand in the last part of the path; they match no leading dot. A folder that does not exist
    /// holds no files; a name without `*` and `?` stands for itself, whether the file exists or not.
    /// - Throws: one sentence, when the pattern is wrong or the folder cannot be listed.
    static func files(_ pattern: String) throws(IncludeError) -> [String] {
        let directory = folder(of: pattern)
        let name = directory.isEmpty ? pattern : String(pattern.dropFirst(directory == "/" ? 1 : directory.count + 1))
        if isPattern(directory) {
            throw IncludeError(
                message: "'*' and '?' stand in the last part of the path only; write one item for each folder")
        }
        if name.isEmpty {
            throw IncludeError(message: "names a folder; write \(shown(pattern))*.ini for the files in it")
        }
        guard isPattern(name) else { return [pattern] }
        return try names(in: directory).filter { matches(name, $0) }
            .sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
            .map { resolve($0, in: directory) }
    }

    struct IncludeError: Error {
        let message: String
    }

    private static func names(in directory: String) throws(IncludeError) -> [String] {
        do throws(SystemError) { return try LocalFileSystem().list(directory.isEmpty ? "." : directory) } catch {
            if error.code == Errno.notFound { return [] }
            throw IncludeError(message: "the folder \(shown(directory)) cannot be listed: \(error.reason)")
        }
    }

    private static func isPattern(_ text: String) -> Bool { text.contains("*") || text.contains("?") }

    /// Whether a shell's `pattern` of `*` and `?` takes all of `name`; the time is at most the product of the lengths.
    static func matches(_ pattern: String, _ name: String) -> Bool {
        if name.hasPrefix("."), !pattern.hasPrefix(".") { return false }
        let pattern = Array(pattern)
        let name = Array(name)
        var (at, position) = (0, 0)
        // Behind the last `*`, and what it has swallowed so far.
        var star: (at: Int, position: Int)?
        while position < name.count {
            if at < pattern.count, pattern[at] == "*" {
                at += 1
                star = (at, position)
            } else if at < pattern.count, pattern[at] == "?" || pattern[at] == name[position] {
                at += 1
                position += 1
            } else if let last = star {
                star = (last.at, last.position + 1)
                (at, position) = (last.at, last.position + 1)
            } else {
                return false
            }
        }
        return pattern[at...].allSatisfy { $0 == "*" }
    }
}
