#if Server
import ConnlogSystem

/// Leaves free of the store's disk what the queue leaves free of its own.
///
/// Only where the two are not the same disk: on the queue's own, what is left free is there for the sinks, which make room
/// by taking events out of the queue. Two file systems may have one disk under them, as the subvolumes of a btrfs, the
/// data sets of a ZFS pool, and an overlay on what holds it: then both have as much left, to the byte.
///
/// Pages that are free inside the store's file are room: they are used before the file grows. So a store whose disk was
/// full goes on when retention has let go of something, although the file stays as large as it was.
package struct DiskReserve: Sendable {
    /// What is known of the disk under a directory; `nil`: nothing is.
    typealias Look = @Sendable (_ directory: String) -> (device: UInt64, space: DiskSpace)?

    private let path: String
    private let queue: String
    private let freeBytesMin: Int?
    private let look: Look

    /// - Parameters:
    ///   - path: the store's file.
    ///   - queue: a directory on the queue's disk.
    ///   - freeBytesMin: as `min_free` says; `nil`: 256 MiB, or a tenth of the disk where that is less.
    package init(of path: String, queue: String, freeBytesMin: Int?) {
        self.init(of: path, queue: queue, freeBytesMin: freeBytesMin) { directory in
            guard let status = try? FileStatus(of: directory), let space = try? LocalFileSystem().space(of: directory)
            else { return nil }
            return (status.identity.device, space)
        }
    }

    init(of path: String, queue: String, freeBytesMin: Int?, look: @escaping Look) {
        self.path = path
        self.queue = queue
        self.freeBytesMin = freeBytesMin
        self.look = look
    }

    /// What keeps `bytes` more from being stored. Looked at anew each time, since file systems come and go under names.
    /// - Parameter freeInside: bytes of pages that are free in the file; asked only where it may matter.
    func lack(_ bytes: Int, freeInside: () -> Int) -> StoreProblem? {
        let directory = LocalFileSystem.parent(of: path)
        guard let own = look(directory), let other = look(queue), own.device != other.device else { return nil }
        let kept = DiskSpace.keptFree(freeBytesMin, of: own.space)
        guard kept > 0, own.space.available - bytes < kept else { return nil }
        // Others write meanwhile, so it is looked at once more after the queue's.
        if let again = look(directory), DiskReserve.isShared(own.space, other.space, again.space) { return nil }
        guard own.space.available - bytes < kept - freeInside() else { return nil }
        return StoreProblem(
            "the disk of \(path) has hardly more than min_free (\(kept >> 20) MiB) left, so its events wait in the queue; "
                + "make room, or lower min_free", .diskLow)
    }

    /// Whether what is left of the queue's disk is what was left of the store's at that moment.
    private static func isShared(_ before: DiskSpace, _ queue: DiskSpace, _ after: DiskSpace) -> Bool {
        let (low, high) = (min(before.available, after.available), max(before.available, after.available))
        return (low...high).contains(queue.available)
    }
}
#endif
