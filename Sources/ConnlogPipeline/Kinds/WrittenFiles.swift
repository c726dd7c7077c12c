package import ConnlogSystem
import Synchronization

/// The files that sinks write. A source that read one would hand each event in again, for ever.
///
/// A sink is known by its file's directory, links followed, and by its names there, those of rotated files among them;
/// and by device and inode of the file that it writes now, so that no link leads to it by another name.
package final class WrittenFiles: Sendable {
    /// What one sink writes.
    package struct Series: Sendable {
        /// As people know it, such as `[sink "local"]`.
        package let owner: String
        package let path: String
        let hasName: @Sendable (String) -> Bool

        /// - Parameter hasName: whether the sink gives files in its directory such a name.
        package init(owner: String, path: String, hasName: @escaping @Sendable (String) -> Bool) {
            self.owner = owner
            self.path = path
            self.hasName = hasName
        }
    }

    private let series: Mutex<[Series]>

    package init(_ series: [Series] = []) { self.series = Mutex(series) }

    /// Other sinks from now on.
    package func use(_ new: [Series]) { series.withLock { $0 = new } }

    /// Where all of them are now.
    package func look() -> Look { Look(series.withLock { $0 }) }

    /// The same at one moment: paths are resolved once, not for each file that is held against them.
    package struct Look {
        private var byDirectory: [String: [Series]] = [:]
        private var byIdentity: [FileIdentity: Series] = [:]
        private var homes: [String: String] = [:]

        init(_ series: [Series]) {
            for one in series {
                byDirectory[home(LocalFileSystem.parent(of: one.path)), default: []].append(one)
                if let status = try? FileStatus(of: one.path), status.isRegular { byIdentity[status.identity] = one }
            }
        }

        /// Who writes the file; `nil` when nobody does.
        package mutating func owner(of path: String, _ identity: FileIdentity?) -> String? {
            if byDirectory.isEmpty { return nil }
            if let identity, let owner = byIdentity[identity]?.owner { return owner }
            let name = path.lastIndex(of: "/").map { String(path[path.index(after: $0)...]) } ?? path
            return byDirectory[home(LocalFileSystem.parent(of: path))]?.first { $0.hasName(name) }?.owner
        }

        private mutating func home(_ directory: String) -> String {
            if let home = homes[directory] { return home }
            let home = FileStatus.resolve(directory)
            homes[directory] = home
            return home
        }
    }
}
