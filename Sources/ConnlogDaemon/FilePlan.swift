import ConnlogConfig
import ConnlogPipeline
import ConnlogSystem

/// Which files sinks write, and what is wrong when another sink writes the same one, or a source reads it.
///
/// One file has many spellings: `./out`, a linked directory, another name of the same inode. So paths are compared as
/// the disk has them now, not as text; what comes to be one file later the sources find out when they look.
struct FilePlan {
    private(set) var mistakes: [Diagnostic] = []
    private(set) var written: [WrittenFiles.Series] = []

    /// Two sinks that write one file would each take the other for somebody who meddles with it.
    init(_ configuration: Configuration, _ registry: Registry) {
        for section in configuration.sections(ofKind: "sink") {
            guard let file = registry.sink(section.type)?.file(section), !file.isDevice else { continue }
            var look = WrittenFiles(written).look()
            if let owner = look.owner(of: file.path, FilePlan.identity(file.path)) {
                mistakes.append(section.error("path", "\(owner) writes this file already; give each its own"))
            }
            written.append(WrittenFiles.Series(owner: section.heading, path: file.path, hasName: file.hasName))
        }
        for section in configuration.sections(ofKind: "source") {
            for path in registry.source(section.type)?.paths(section) ?? [] { hold(Glob(path), section) }
        }
    }

    /// A source that names a sink's file is refused; where a wildcard leads to it, the file is left out.
    private mutating func hold(_ pattern: Glob, _ section: Section) {
        var look = WrittenFiles(written).look()
        if pattern.namesFile, let path = pattern.expand().paths.first {
            guard let owner = look.owner(of: path, FilePlan.identity(path)) else { return }
            let words = "\(owner) writes \(path), so each event would come back for ever; read another file"
            return mistakes.append(section.error("path", words))
        }
        for one in written where matches(pattern, one.path) {
            mistakes.append(
                Diagnostic(
                    .warning, section.place(of: "path"),
                    "\(section.heading) path: '\(pattern.pattern)' leads to \(one.path), which \(one.owner) writes; it is "
                        + "left out, with its rotated files; better keep what sinks write in another directory"))
        }
    }

    /// As it is written, and with the links of both directories followed.
    private func matches(_ pattern: Glob, _ path: String) -> Bool {
        if pattern.matches(path) { return true }
        guard let directory = pattern.directory else { return false }
        let name = path.lastIndex(of: "/").map { String(path[path.index(after: $0)...]) } ?? path
        let home = FileStatus.resolve(directory)
        guard home == FileStatus.resolve(LocalFileSystem.parent(of: path)) else { return false }
        return pattern.matches(directory == "/" ? "/" + name : directory + "/" + name)
    }

    private static func identity(_ path: String) -> FileIdentity? { (try? FileStatus(of: path))?.identity }
}
