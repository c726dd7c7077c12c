#if Server
public import ConnlogSystem

/// Leaves free of the store's disk what the queue leaves free of its own.
///
/// Only where the two are not the same disk: on the queue's own, what is left free is there for the sinks, which make room
/// by taking events out of the queue.
public struct DiskReserve: Sendable {
    private let path: String
    private let queue: String
    private let freeBytesMin: Int?
    private let fileSystem: any FileSystem

    /// - Parameters:
    ///   - path: the store's file.
    ///   - queue: a directory on the queue's disk.
    ///   - freeBytesMin: as `min_free` says; `nil`: 256 MiB, or a tenth of the disk where that is less.
    public init(
        of path: String, queue: String, freeBytesMin: Int?, fileSystem: any FileSystem = LocalFileSystem()
    ) {
        self.path = path
        self.queue = queue
        self.freeBytesMin = freeBytesMin
        self.fileSystem = fileSystem
    }

    /// What keeps `bytes` more from being stored. Looked at anew each time, since file systems come and go under names.
    func lack(_ bytes: Int) -> StoreProblem? {
        let directory = LocalFileSystem.parent(of: path)
        guard let own = try? FileStatus(of: directory), let other = try? FileStatus(of: queue),
            own.identity.device != other.identity.device, let space = try? fileSystem.space(of: directory)
        else { return nil }
        let kept = DiskSpace.keptFree(freeBytesMin, of: space)
        guard kept > 0, space.available - bytes < kept else { return nil }
        return StoreProblem(
            "the disk of \(path) has hardly more than min_free (\(kept >> 20) MiB) left, so its events wait in the queue; "
                + "make room, or lower min_free", .diskLow)
    }
}
#endif
