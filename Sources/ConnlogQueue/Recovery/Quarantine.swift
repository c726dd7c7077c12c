internal import ConnlogSystem
import Synchronization

/// The directory that keeps what could not be read: never read by the queue, never deleted by it.
///
/// A damaged place is kept once, under the segment's name and its position, however often it is met.
final class Quarantine: Sendable {
    static let directoryName = "quarantine"

    private let directory: String
    private let fileSystem: any FileSystem
    private let bytesMax: Int
    private let used: Mutex<Int>

    /// - Parameter used: bytes that are in it already.
    init(_ queueDirectory: String, _ fileSystem: any FileSystem, bytesMax: Int, used: Int) {
        directory = "\(queueDirectory)/\(Quarantine.directoryName)"
        self.fileSystem = fileSystem
        self.bytesMax = bytesMax
        self.used = Mutex(used)
    }

    var bytes: Int { used.withLock { $0 } }

    /// Copies bytes of a file. What the disk refuses is given up: the damage is counted in any case.
    func keep(_ file: any OpenFile, _ range: Range<Int>, of name: String) {
        guard !range.isEmpty, reserve(range.count) else { return }
        do {
            try fileSystem.createDirectory(directory)
            let copy = try fileSystem.open("\(directory)/\(name)-\(range.lowerBound)", .createNew)
            var buffer = ByteBuffer()
            var done = 0
            while done < range.count {
                buffer.removeAll()
                let length = min(1 << 20, range.count - done)
                let got = try file.readTolerantly(into: &buffer, at: range.lowerBound + done, count: length)
                if got == 0 { break }
                try copy.writeAll(buffer, 0..<got, at: done)
                done += got
            }
            try copy.sync()
            try fileSystem.syncDirectory(directory)
        } catch { used.withLock { $0 -= range.count } }
    }

    /// Moves a whole file.
    func move(_ path: String, named name: String, bytes: Int) throws(SystemError) {
        try fileSystem.createDirectory(directory)
        let taken = Set(try fileSystem.list(directory))
        var free = name
        var number = 1
        while taken.contains(free) {
            number += 1
            free = "\(name)-\(number)"
        }
        try fileSystem.rename(path, to: "\(directory)/\(free)")
        try fileSystem.syncDirectory(directory)
        used.withLock { $0 += bytes }
    }

    private func reserve(_ bytes: Int) -> Bool {
        used.withLock { used in
            guard bytes <= bytesMax - used else { return false }
            used += bytes
            return true
        }
    }
}
