import Foundation
import Glibc

/// Files as nobody expects them, made by the calls of the system that Foundation does not have.
package enum OddFiles {
    /// Makes a named pipe.
    package static func makePipe(_ path: String) throws {
        guard unsafe mkfifo(path, 0o600) == 0 else { throw failure() }
    }

    /// Makes an empty file in `folder` whose name is `name`, whatever bytes that has.
    package static func makeFile(named name: [UInt8], in folder: String) throws {
        let path = (Array(folder.utf8) + [UInt8(ascii: "/")] + name + [0]).map { CChar(bitPattern: $0) }
        let descriptor = unsafe open(path, O_CREAT | O_WRONLY, 0o600)
        guard descriptor >= 0 else { throw failure() }
        close(descriptor)
    }

    /// Says that a file was last changed at any time that the system knows.
    /// - Returns: whether the file system took it; each has bounds of its own.
    package static func setModified(_ path: String, seconds: Int, nanoseconds: Int) -> Bool {
        let time = timespec(tv_sec: seconds, tv_nsec: nanoseconds)
        return unsafe utimensat(AT_FDCWD, path, [time, time], 0) == 0
    }

    private static func failure() -> POSIXError { POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO) }
}
