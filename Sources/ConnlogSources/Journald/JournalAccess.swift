import ConnlogSystem

/// Whether the files of a journal can be read: the library opens what it may and says nothing about the rest.
struct JournalAccess {
    /// Files that can be read.
    private(set) var readable = 0
    /// Directories and files that cannot.
    private(set) var refused: [SystemError] = []
    private(set) var directories: [String]

    init(_ place: Journal.Place) {
        directories = JournalAccess.directories(place)
        for directory in directories {
            // `.journal` is written or was closed in good order, `.journal~` was not.
            for name in ["*.journal", "*.journal~"] { look(Glob("\(directory)/\(name)").expand()) }
        }
    }

    private mutating func look(_ matches: GlobMatches) {
        refused += matches.problems.filter { $0.code == Errno.accessDenied }
        for path in matches.paths {
            do throws(SystemError) {
                _ = try LocalFile.openForReading(path)
                readable += 1
            } catch {
                if error.code == Errno.accessDenied { refused.append(error) }
            }
        }
    }

    /// What is wrong, and what to do; `nil` if all that is there can be read.
    var problem: String? {
        if let first = refused.first {
            let what = refused.count == 1 ? "\(first.subject)" : "\(first.subject) and \(refused.count - 1) more"
            return "\(what) cannot be read: \(first.reason); \(JournalAccess.advice(first.subject))"
        }
        guard readable == 0 else { return nil }
        return "there is no journal in \(directories.joined(separator: " or ")); "
            + "is this the machine where coderd runs, and does its journald store anything (Storage= in journald.conf)?"
    }

    private static func advice(_ path: String) -> String {
        let group = (try? FileStatus(of: path)).flatMap { GroupName.of($0.group) } ?? "systemd-journal"
        let wanted = group == "root" ? "systemd-journal" : group
        let rest = group == "root" ? "; it belongs to group root now, so let systemd-journal read it first" : ""
        return "let connlog's user be in group \(wanted) ('usermod -aG \(wanted) connlog', or "
            + "SupplementaryGroups=\(wanted) in its unit) and start connlog anew\(rest)"
    }

    /// Where the library looks.
    private static func directories(_ place: Journal.Place) -> [String] {
        let machine = Journal.machineID.map { [$0] } ?? []
        switch place {
        case .machine: return roots.flatMap { root in machine.map { "\(root)/\($0)" } }
        case .namespace(let name): return roots.flatMap { root in machine.map { "\(root)/\($0).\(name)" } }
        case .directory(let path): return [path, "\(path)/*"]
        }
    }

    private static let roots = ["/var/log/journal", "/run/log/journal"]
}
