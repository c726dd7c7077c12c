import ConnlogSystem
import Synchronization

/// Names out of files that may change while connlog runs.
///
/// `refresh` looks whether a file is another one than last time and reads it then. A file that cannot be read, or with
/// a mistake in it, leaves the names as they were, and the log says why, once for each state of the file.
public final class NameDirectory: Names {
    /// One `[directory "name"]`.
    public struct Source: Sendable, Equatable {
        public let name: String
        public let path: String

        public init(name: String, path: String) {
            self.name = name
            self.path = path
        }
    }

    /// How one directory is, for whoever looks on.
    public struct Status: Sendable, Equatable {
        public let name: String
        public let path: String
        public let users: Int
        public let organizations: Int
        /// Why the file's present state was not taken; `nil` when all is well.
        public let mistake: String?
    }

    private struct Entry {
        let source: Source
        var stamp: FileStatus?
        var wasRead = false
        var table = NameTable()
        var mistake: String?
    }

    private struct State {
        var entries: [Entry] = []
        var index = NameIndex([])
    }

    /// The most bytes that a file may have; one with more is refused.
    public static let fileBytesMax = 64 << 20

    private let state = Mutex(State())
    private let log: LogFunction

    /// Reads nothing; `refresh` does.
    public init(_ sources: [Source], log: @escaping LogFunction) {
        self.log = log
        use(sources)
    }

    /// Other directories from now on. Names of one that stays are kept until the next `refresh`.
    public func use(_ sources: [Source]) {
        state.withLock { state in
            let old = state.entries
            state.entries = sources.map { source in old.first { $0.source == source } ?? Entry(source: source) }
            state.index = NameIndex(state.entries.map(\.table))
        }
    }

    /// Reads what has changed since last time. Waits for the disk; called by one task at a time.
    public func refresh() {
        let entries = state.withLock { $0.entries }
        for entry in entries where !entry.wasRead || Self.stamp(entry.source.path) != entry.stamp { read(entry) }
    }

    public var statuses: [Status] {
        state.withLock { state in
            state.entries.map { entry in
                Status(
                    name: entry.source.name, path: entry.source.path, users: entry.table.users.count,
                    organizations: entry.table.organizations.count, mistake: entry.mistake)
            }
        }
    }

    private static func stamp(_ path: String) -> FileStatus? {
        try? FileStatus(of: path)
    }

    private func read(_ entry: Entry) {
        // Asked before reading, so that a change meanwhile is seen next time.
        let stamp = Self.stamp(entry.source.path)
        var changed = entry
        changed.stamp = stamp
        changed.wasRead = true
        do throws(NameFileError) {
            changed.table = try NameDirectory.table(entry.source.path)
            changed.mistake = nil
        } catch {
            changed.mistake = error.text
        }
        tell(entry, changed)
        put(changed)
    }

    private func put(_ changed: Entry) {
        state.withLock { state in
            guard let place = state.entries.firstIndex(where: { $0.source == changed.source }) else { return }
            let isNew = state.entries[place].table != changed.table
            state.entries[place] = changed
            if isNew { state.index = NameIndex(state.entries.map(\.table)) }
        }
    }

    private func tell(_ before: Entry, _ now: Entry) {
        let name = "directory \(now.source.name)"
        if let mistake = now.mistake {
            guard mistake != before.mistake else { return }
            let rest = before.table == NameTable() ? "there are no names from it" : "the names from before stay"
            log(.warning, "\(name): \(now.source.path): \(mistake); \(rest)")
        } else {
            let (users, organizations) = (now.table.users.count, now.table.organizations.count)
            let what = users > 0 ? Quantity.count(users, "user") : Quantity.count(organizations, "organization")
            log(.info, "\(name): \(what) read from \(now.source.path)")
        }
    }

    /// Why a file gives no names.
    struct NameFileError: Error {
        let text: String
    }

    private static func table(_ path: String) throws(NameFileError) -> NameTable {
        let bytes: [UInt8]
        do throws(SystemError) {
            bytes = try self.bytes(path)
        } catch {
            throw NameFileError(text: "cannot be read: \(error.reason)")
        }
        if bytes.count > fileBytesMax { throw NameFileError(text: "is larger than \(Quantity.bytes(fileBytesMax))") }
        do throws(NameTable.Mistake) {
            return try NameTable(csv: bytes)
        } catch {
            throw NameFileError(text: "\(error)")
        }
    }

    private static func bytes(_ path: String) throws(SystemError) -> [UInt8] {
        let file = try LocalFileSystem().open(path, .read)
        var buffer = ByteBuffer()
        while buffer.count <= fileBytesMax {
            if try file.read(into: &buffer, at: buffer.count, count: 1 << 20) == 0 { break }
        }
        return buffer.array
    }

    // MARK: Names

    public func user(_ id: String) -> UserName? { now.user(id) }
    public func organization(_ id: String) -> OrganizationName? { now.organization(id) }
    public func userIDs(named username: String, evenDeleted: Bool) -> [String] {
        now.userIDs(named: username, evenDeleted: evenDeleted)
    }
    public func userIDs(withEmail email: String, evenDeleted: Bool) -> [String] {
        now.userIDs(withEmail: email, evenDeleted: evenDeleted)
    }
    public func organizationIDs(named name: String) -> [String] { now.organizationIDs(named: name) }
    public var users: [UserName] { now.users }
    public var organizations: [OrganizationName] { now.organizations }

    private var now: NameIndex { state.withLock { $0.index } }
}
