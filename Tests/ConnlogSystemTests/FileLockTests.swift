import ConnlogSystem
import Foundation
import Glibc
import Testing

/// Locks on files, which keep two processes from one directory.
@Suite struct FileLockTests {
    private let path = FileManager.default.temporaryDirectory.appending(path: "lock-\(UUID().uuidString)").path

    @Test func `a lock is had by one, and by the next when it is given up`() throws {
        defer { try? FileManager.default.removeItem(atPath: path) }
        var lock: (any FileLock)? = try LocalFileSystem().lock(path)
        #expect(throws: SystemError.self) { try LocalFileSystem().lock(path) }
        withExtendedLifetime(lock) {}
        lock = nil
        _ = try LocalFileSystem().lock(path)
    }

    @Test func `a lock that is given up is free, though a child that was forked meanwhile has the file open`() throws {
        defer { try? FileManager.default.removeItem(atPath: path) }
        var lock: (any FileLock)? = try LocalFileSystem().lock(path)
        withExtendedLifetime(lock) {}
        // What a child has between fork and exec is what dup gives: another number for the same open file.
        let numbers = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").compactMap { Int32($0) }
        let own = try #require(
            numbers.first {
                (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\($0)")) == path
            })
        let copy = dup(own)
        defer { close(copy) }
        lock = nil
        _ = try LocalFileSystem().lock(path)
    }
}
