import ConnlogSystem

/// Finds the files that `include` names.
enum Includes {
    /// What one item of `include` stands for, in bytewise order.
    ///
    /// A folder that does not exist holds no files; a name without wildcards stands for itself, whether the file
    /// exists or not.
    /// - Throws: the system's error when a folder is there and cannot be listed.
    static func files(_ pattern: String) throws(SystemError) -> [String] {
        let matches = Glob(pattern).expand()
        if let problem = matches.problems.first(where: { $0.code != Errno.notFound }) { throw problem }
        return matches.paths.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }
}
