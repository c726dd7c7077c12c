private import CConnlog

/// Whether what this process writes goes to the journal of systemd.
package enum JournalStream {
    /// Whether a descriptor is the very stream that `JOURNAL_STREAM` tells of.
    ///
    /// The variable alone proves nothing: it is still there when somebody has led the output into a file.
    /// - Parameter variable: `JOURNAL_STREAM`, device and inode in decimal digits with a colon between.
    package static func isDescriptor(_ descriptor: Int32, _ variable: String?) -> Bool {
        let numbers = (variable ?? "").split(separator: ":", omittingEmptySubsequences: false).map { UInt64($0) }
        guard numbers.count == 2, let device = numbers[0], let inode = numbers[1] else { return false }
        return connlog_is_file(descriptor, device, inode) != 0
    }
}
