private import CConnlog

/// Directories whose files do not outlive the machine's next start.
package enum VolatileDirectory {
    /// `tmpfs` or `ramfs` when the directory lies in memory; `nil` when it does not, or when nobody can tell.
    package static func kind(of path: String) -> String? {
        // linux/magic.h: TMPFS_MAGIC, RAMFS_MAGIC.
        switch unsafe UInt32(truncatingIfNeeded: connlog_file_system_kind(path)) {
        case 0x0102_1994: "tmpfs"
        case 0x8584_58f6: "ramfs"
        default: nil
        }
    }
}
