#if canImport(Glibc)
import Glibc
#endif

/// A directory that is open, to name files in it by; closed with the last reference.
final class DirectoryDescriptor: Sendable {
    let number: Int32

    init?(_ path: String) {
        number = unsafe open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        if number < 0 { return nil }
    }

    deinit { if number >= 0 { close(number) } }
}
