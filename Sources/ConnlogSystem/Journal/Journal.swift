internal import CConnlog
#if canImport(Glibc)
import Glibc
#endif

/// systemd's journal, opened for reading. Belongs to the thread that has opened it, closing included.
///
/// libsystemd is looked for when it is first wanted, so that nothing of it is needed to build connlog or to run it with
/// other sources.
@safe package final class Journal {
    /// Which files are read.
    package enum Place: Sendable, Equatable {
        /// This machine's.
        case machine
        /// Those of a unit with `LogNamespace=`.
        case namespace(String)
        /// All in a directory and in those of machines below it, as in a container that sees the host's.
        case directory(String)
    }

    /// What a wait has brought.
    package enum Change: Sendable, Equatable {
        case none
        case entries
        /// Files came or went.
        case files
    }

    /// Why there is no libsystemd; `nil` when there is one.
    package static var missing: String? { unsafe connlog_journal_missing().map { unsafe String(cString: $0) } }

    /// This machine's id, after which the directory of its journal is named; `nil` if it has none.
    package static var machineID: String? {
        var text = ByteBuffer()
        guard let file = try? LocalFile.openForReading("/etc/machine-id"),
            let got = try? file.read(into: &text, at: 0, count: 32), got == 32
        else { return nil }
        return text.text
    }

    private let handle: OpaquePointer

    /// Opens what there is. Files without permission, or of a newer format, are left out by the library without a word.
    package init(_ place: Place) throws(SystemError) {
        var made: OpaquePointer?
        var result: Int32
        let subject: String
        switch place {
        case .machine:
            subject = "the journal"
            result = unsafe connlog_journal_open(nil, nil, &made)
        case .namespace(let name):
            subject = "the journal of namespace \(name)"
            result = unsafe connlog_journal_open(name, nil, &made)
        case .directory(let path):
            subject = path
            result = unsafe connlog_journal_open(nil, path, &made)
        }
        guard result >= 0, let made = unsafe made else {
            if result >= 0 { result = -ENOMEM }
            throw SystemError(code: -result, call: "sd_journal_open", subject: subject)
        }
        unsafe handle = unsafe made
    }

    deinit { unsafe connlog_journal_close(handle) }

    /// Only entries with this `FIELD=value`: of one field either value, of different fields all.
    package func match(_ text: String) throws(SystemError) {
        _ = try checked(unsafe connlog_journal_match(handle, text), "sd_journal_add_match")
    }

    /// What was matched so far, or what is matched from now on.
    package func orElse() throws(SystemError) {
        _ = try checked(unsafe connlog_journal_or(handle), "sd_journal_add_disjunction")
    }

    /// Before the first entry.
    package func seekHead() throws(SystemError) {
        _ = try checked(unsafe connlog_journal_seek_head(handle), "sd_journal_seek_head")
    }

    /// After the last entry; it is `previous` that goes to it, `next` may give older ones (systemd #9934).
    package func seekTail() throws(SystemError) {
        _ = try checked(unsafe connlog_journal_seek_tail(handle), "sd_journal_seek_tail")
    }

    /// Before the first entry that is not older.
    package func seek(realtime: UInt64) throws(SystemError) {
        _ = try checked(unsafe connlog_journal_seek_realtime(handle, realtime), "sd_journal_seek_realtime_usec")
    }

    /// Before the entry of that name, or what comes nearest.
    package func seek(cursor: String) throws(SystemError) {
        _ = try checked(unsafe connlog_journal_seek_cursor(handle, cursor), "sd_journal_seek_cursor")
    }

    /// Whether the present entry has that name.
    package func isAt(cursor: String) throws(SystemError) -> Bool {
        try checked(unsafe connlog_journal_test_cursor(handle, cursor), "sd_journal_test_cursor") > 0
    }

    /// Goes to the next entry.
    /// - Returns: whether there was one.
    package func next() throws(SystemError) -> Bool {
        try checked(unsafe connlog_journal_next(handle), "sd_journal_next") > 0
    }

    /// Goes to the entry before.
    /// - Returns: whether there was one.
    package func previous() throws(SystemError) -> Bool {
        try checked(unsafe connlog_journal_previous(handle), "sd_journal_previous") > 0
    }

    /// Goes so many entries back.
    /// - Returns: how many there were.
    package func previous(_ count: Int) throws(SystemError) -> Int {
        Int(try checked(unsafe connlog_journal_previous_skip(handle, UInt64(count)), "sd_journal_previous_skip"))
    }

    /// Takes the present entry out, all of its fields in one pass.
    /// - Parameter messageMax: so much of its message at most.
    package func read(into entry: inout JournalEntry, messageMax: Int) throws(SystemError) {
        var found = unsafe connlog_journal_entry()
        _ = try checked(unsafe connlog_journal_read(handle, messageMax, &found), "sd_journal_enumerate_data")
        entry.removeAll()
        entry.realtime = unsafe found.realtime
        entry.isCut = unsafe found.is_cut != 0
        let memory = unsafe UnsafeBufferPointer(start: found.bytes, count: found.count)
        unsafe withUnsafePointer(to: &found.values) { values in
            unsafe values.withMemoryRebound(to: connlog_journal_value.self, capacity: JournalField.allCases.count) {
                values in
                unsafe entry.take(memory.span) { field in
                    let value = unsafe values[field.rawValue]
                    return value.length < 0 ? nil : Int(value.place)..<Int(value.place + value.length)
                }
            }
        }
    }

    /// The time of the oldest entry of all, whether it matches or not, in microseconds since 1970; `nil` if there is none.
    package func oldest() throws(SystemError) -> UInt64? {
        var time: UInt64 = 0
        let any = try checked(unsafe connlog_journal_oldest(handle, &time), "sd_journal_get_cutoff_realtime_usec")
        return any > 0 ? time : nil
    }

    /// Begins to watch the files. What changes from then on ends a `wait`.
    package func watch() throws(SystemError) {
        _ = try checked(unsafe connlog_journal_watch(handle), "sd_journal_get_fd")
    }

    /// Returns as soon as something has changed, or after `limit`. Files that went are forgotten with what was unread in
    /// them, so everything should be read before.
    package func wait(_ limit: Duration) throws(SystemError) -> Change {
        let result = try checked(
            unsafe connlog_journal_wait(handle, Int32(clamping: max(0, limit.pollMilliseconds))), "sd_journal_process")
        return result == 0 ? .none : result == 1 ? .entries : .files
    }

    /// The same wait without a journal.
    package static func pause(_ limit: Duration) {
        poll(nil, 0, Int32(clamping: max(0, limit.pollMilliseconds)))
    }

    private func checked(_ result: Int32, _ call: String) throws(SystemError) -> Int32 {
        if result < 0 { throw SystemError(code: -result, call: call, subject: "the journal") }
        return result
    }
}

/// Names of groups.
package enum GroupName {
    /// - Returns: `nil` where the machine knows none for the number.
    package static func of(_ number: UInt32) -> String? {
        var text = [CChar](repeating: 0, count: 64)
        return unsafe text.withUnsafeMutableBufferPointer { memory in
            guard let base = memory.baseAddress,
                unsafe connlog_group_name(number, base, memory.count) != 0
            else { return nil }
            return unsafe String(cString: base)
        }
    }
}
