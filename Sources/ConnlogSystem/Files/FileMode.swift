#if canImport(Glibc)
import Glibc
#endif

/// Who may do what with a file: the lowest nine bits of its mode.
package enum FileMode {
    /// Of what `path` leads to.
    package static func of(_ path: String) throws(SystemError) -> UInt32 {
        var status = stat()
        guard unsafe stat(path, &status) == 0 else { throw .last("stat", path) }
        return status.st_mode & 0o777
    }

    /// By its name, so that no descriptor of the file is closed here, and no lock with it.
    package static func set(_ path: String, _ mode: UInt32) throws(SystemError) {
        guard unsafe chmod(path, mode) == 0 else { throw .last("chmod", path) }
    }

    /// Whether others than its owner may make and remove files in a directory; where only their own (`/tmp`), it is `false`.
    package static func othersWrite(in directory: String) throws(SystemError) -> Bool {
        var status = stat()
        guard unsafe stat(directory, &status) == 0 else { throw .last("stat", directory) }
        return status.st_mode & 0o022 != 0 && status.st_mode & 0o1000 == 0
    }

    /// Makes an empty file that only its owner may read, if there is none of that name.
    package static func createPrivate(_ path: String) throws(SystemError) {
        do throws(SystemError) {
            _ = try LocalFile(path, flags: O_RDWR | O_CREAT | O_EXCL, mode: 0o600)
        } catch {
            if error.code != EEXIST { throw error }
        }
    }
}
