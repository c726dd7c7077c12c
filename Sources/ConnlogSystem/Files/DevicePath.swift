/// Paths that stand for no file of their own.
package enum DevicePath {
    /// Whether it lies where devices and the kernel's own files are, such as /dev/stdout. /dev/shm has files.
    package static func isOne(_ path: String) -> Bool {
        path.hasPrefix("/proc/") || path.hasPrefix("/dev/") && !path.hasPrefix("/dev/shm/")
    }
}
