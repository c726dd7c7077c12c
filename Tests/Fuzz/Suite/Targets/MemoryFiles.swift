@testable import ConnlogSystem
import Synchronization

/// A file system in memory that does what it is told, and fast: the fuzzer opens a queue in it many times a second.
/// What a disk may do beyond that is `SimulatedFileSystem`'s.
final class MemoryFiles: FileSystem {
    private struct Disk {
        var names: [String: Int] = [:]
        var nodes: [[UInt8]] = []
    }

    private let disk = Mutex(Disk())

    /// The bytes under a name.
    subscript(path: String) -> [UInt8]? {
        get { disk.withLock { disk in disk.names[path].map { disk.nodes[$0] } } }
        set {
            disk.withLock { disk in
                disk.names[path] = newValue == nil ? nil : disk.nodes.count
                if let newValue { disk.nodes.append(newValue) }
            }
        }
    }

    var paths: [String] { disk.withLock { $0.names.keys.sorted() } }

    func open(_ path: String, _ mode: OpenMode) throws(SystemError) -> any OpenFile {
        let node: Int? = disk.withLock { disk in
            let known = disk.names[path]
            if mode != .createNew { return known }
            guard known == nil else { return nil }
            disk.nodes.append([])
            disk.names[path] = disk.nodes.count - 1
            return disk.nodes.count - 1
        }
        guard let node else { throw error(mode == .createNew ? Errno.exists : Errno.notFound, "open", path) }
        return File(files: self, node: node)
    }

    func createDirectory(_ path: String) throws(SystemError) {}

    func list(_ directory: String) throws(SystemError) -> [String] {
        let prefix = directory + "/"
        return paths.filter { $0.hasPrefix(prefix) }.map { String($0.dropFirst(prefix.count)) }
            .filter { !$0.contains("/") }
    }

    func rename(_ path: String, to newPath: String) throws(SystemError) {
        let isThere = disk.withLock { disk in
            guard let node = disk.names.removeValue(forKey: path) else { return false }
            disk.names[newPath] = node
            return true
        }
        if !isThere { throw error(Errno.notFound, "rename", path) }
    }

    func remove(_ path: String) throws(SystemError) {
        let isThere = disk.withLock { $0.names.removeValue(forKey: path) != nil }
        if !isThere { throw error(Errno.notFound, "unlink", path) }
    }

    func syncDirectory(_ path: String) throws(SystemError) {}
    func lock(_ path: String) throws(SystemError) -> any FileLock { Lock() }
    func space(of path: String) throws(SystemError) -> DiskSpace { DiskSpace(available: 1 << 40, total: 1 << 40) }

    private func error(_ code: Int32, _ call: String, _ path: String) -> SystemError {
        SystemError(code: code, call: call, subject: path)
    }

    private final class Lock: FileLock {}

    private struct File: OpenFile {
        let files: MemoryFiles
        let node: Int

        func read(into buffer: inout ByteBuffer, at position: Int, count: Int) throws(SystemError) -> Int {
            let bytes = files.disk.withLock { $0.nodes[node] }
            guard position < bytes.count else { return 0 }
            let length = min(count, bytes.count - position)
            buffer.append(bytes.span.extracting(position..<position + length))
            return length
        }

        func write(_ buffer: ByteBuffer, _ range: Range<Int>, at position: Int) throws(SystemError) -> Int {
            let bytes = Array(buffer.array[range])
            files.disk.withLock { disk in
                let missing = position + bytes.count - disk.nodes[node].count
                if missing > 0 { disk.nodes[node] += [UInt8](repeating: 0, count: missing) }
                disk.nodes[node].replaceSubrange(position..<position + bytes.count, with: bytes)
            }
            return bytes.count
        }

        func sync() throws(SystemError) {}
        func size() throws(SystemError) -> Int { files.disk.withLock { $0.nodes[node].count } }

        func truncate(to size: Int) throws(SystemError) {
            files.disk.withLock { disk in
                let present = disk.nodes[node].count
                if size < present { disk.nodes[node].removeLast(present - size) }
                if size > present { disk.nodes[node] += [UInt8](repeating: 0, count: size - present) }
            }
        }

        func identity() throws(SystemError) -> FileIdentity { FileIdentity(device: 1, inode: UInt64(node)) }
    }
}
