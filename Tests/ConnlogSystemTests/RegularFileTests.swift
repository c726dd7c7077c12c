import ConnlogSystem
import Foundation
import Testing

#if canImport(Glibc)
import Glibc
#endif

@Suite final class RegularFileTests {
    private let folder = FileManager.default.temporaryDirectory.appending(path: "connlog-regular-\(UUID().uuidString)")
        .path

    @Test func `a directory after a link that leads nowhere is an error, and one with missing parents is made`() throws
    {
        try FileManager.default.createSymbolicLink(atPath: folder + "/link", withDestinationPath: "/nowhere/at/all")
        let disk = LocalFileSystem()
        for path in ["/link/x", "/link/x/y", "/a/b/c", "/a/b/c", "/a/b/d"] {
            do throws(SystemError) {
                try disk.createDirectory(folder + path)
                #expect(!path.hasPrefix("/link"))
                #expect(FileManager.default.fileExists(atPath: folder + path))
            } catch {
                #expect(path.hasPrefix("/link") && error.code == Errno.notFound, "\(path): \(error)")
            }
        }
    }

    init() throws { try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false) }
    deinit { try? FileManager.default.removeItem(atPath: folder) }

    @Test func `a pipe, a device and a directory are refused at once, with words`() throws {
        let pipe = folder + "/pipe"
        #expect(unsafe mkfifo(pipe, 0o600) == 0)
        for (path, words) in [(pipe, "No regular file"), ("/dev/null", "No regular file"), (folder, "Is a directory")] {
            let error = #expect(throws: SystemError.self) { try LocalFile.openRegular(path) }
            #expect(error?.reason == words)
        }
        // Opening to read waits for nobody either.
        _ = try LocalFileSystem().open(pipe, .read)
    }

    @Test(arguments: [0, 1, 9, 10, 11, 12, 70_000])
    func `a file is read whole up to the limit, and one byte more shows that it is larger`(size: Int) throws {
        let path = folder + "/file"
        let content = (0..<size).map { UInt8($0 % 251) }
        try Data(content).write(to: URL(fileURLWithPath: path))
        let bytes = try LocalFile.openRegular(path).bytes(limit: 10).array
        #expect(bytes == Array(content.prefix(11)))
    }
}
