#if canImport(Glibc)
import Glibc
#endif

/// The error numbers that connlog tells apart.
public enum Errno {
    public static let notFound = ENOENT
    public static let exists = EEXIST
    public static let invalid = EINVAL
    public static let interrupted = EINTR
    public static let again = EAGAIN
    public static let noSpace = ENOSPC
    public static let quotaExceeded = EDQUOT
    public static let inputOutput = EIO
    /// What a file system says that has found itself damaged.
    public static let corrupted = EUCLEAN
    public static let accessDenied = EACCES
    public static let isDirectory = EISDIR
    public static let notDirectory = ENOTDIR
    /// What O_NOFOLLOW says to a symbolic link.
    public static let symbolicLink = ELOOP
    public static let messageTooLong = EMSGSIZE
    public static let connectionRefused = ECONNREFUSED
    public static let brokenPipe = EPIPE
    public static let badDescriptor = EBADF
    public static let addressInUse = EADDRINUSE
    public static let addressNotAvailable = EADDRNOTAVAIL
    public static let readOnly = EROFS
    /// No word of the kernel's: what should be a file is a pipe, a socket or a device.
    public static let notRegular: Int32 = -1
    /// The process has no descriptor left.
    public static let noDescriptor = EMFILE
    /// The machine has none left.
    public static let noDescriptorAnywhere = ENFILE
}

/// The calling thread's last error number.
var errorNumber: Int32 { errno }
