#if canImport(Glibc)
import Glibc
#endif

/// The error numbers that connlog tells apart.
package enum Errno {
    package static let notFound = ENOENT
    package static let exists = EEXIST
    package static let invalid = EINVAL
    package static let interrupted = EINTR
    package static let again = EAGAIN
    package static let noSpace = ENOSPC
    package static let quotaExceeded = EDQUOT
    package static let inputOutput = EIO
    /// What a file system says that has found itself damaged.
    package static let corrupted = EUCLEAN
    package static let accessDenied = EACCES
    package static let isDirectory = EISDIR
    package static let notDirectory = ENOTDIR
    /// What O_NOFOLLOW says to a symbolic link.
    package static let symbolicLink = ELOOP
    package static let brokenPipe = EPIPE
    package static let badDescriptor = EBADF
    package static let addressInUse = EADDRINUSE
    package static let readOnly = EROFS
    /// No word of the kernel's: what should be a file is a pipe, a socket or a device.
    package static let notRegular: Int32 = -1
    /// The process has no descriptor left.
    package static let noDescriptor = EMFILE
    /// The machine has none left.
    package static let noDescriptorAnywhere = ENFILE
}

/// The calling thread's last error number.
var errorNumber: Int32 { errno }
