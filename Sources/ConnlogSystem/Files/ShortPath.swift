/// A path that a local socket can have, for one that may be too long for it: the kernel takes 107 bytes.
///
/// A longer one goes by way of its directory, which stays open as long as this lives.
package final class ShortPath: Sendable {
    /// What to use.
    package let text: String
    private let directory: DirectoryDescriptor?

    static let bytesMax = 100

    package init(_ path: String) {
        guard path.utf8.count > ShortPath.bytesMax, let slash = path.lastIndex(of: "/"),
            let directory = DirectoryDescriptor(String(path[..<slash]))
        else {
            text = path
            directory = nil
            return
        }
        self.directory = directory
        text = "/proc/self/fd/\(directory.number)\(path[slash...])"
    }
}
