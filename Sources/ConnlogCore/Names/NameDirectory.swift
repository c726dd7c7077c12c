import ConnlogSystem
import Synchronization

/// Names out of files that may change while connlog runs.
///
/// `refresh` looks whether a file is another one than last time and reads it then. A file that cannot be read, or with
/// a mistake in it, leaves the names as they were, and the log says why, once for each state of the file.
public final class NameDirectory: Names {
    /// One `[directory "name"]`.
    public struct Source: Sendable, Equatable {
        /// The source's name in the configuration.
        public let name: String
        /// The file.
        public let path: String
        /// connlog itself writes the file, from names that it asks for: there may be none yet.
        public let isOwn: Bool

        /// A file of names.
        public init(name: String, path: String, isOwn: Bool = false) {
            self.name = name
            self.path = path
            self.isOwn = isOwn
        }
    }

    /// How one directory is, for whoever looks on.
    public struct Status: Sendable, Equatable {
        /// The source's name in the configuration.
        public let name: String
        /// The file.
        public let path: String
        /// How many users it gives.
        public let users: Int
        /// How many organizations it gives.
        public let organizations: Int
        /// Why the file's present state was not taken; `nil` when all is well.
        public let mistake: String?
    }

    private struct Entry {
        let source: Source
        var stamp: FileStatus?
        var wasRead = false
        /// Of a file that looked as if somebody was writing it.
        var unsettled: FileStatus?
        /// The file may be another one in a moment; that is nothing to warn of.
        var isBeingWritten = false
        var table = NameTable()
        var mistake: String?
    }

    private struct State {
        var entries: [Entry] = []
        var index = NameIndex([])
        /// Ids of users that were asked for and that no directory has.
        var misses: Set<String> = []
    }

    private static let missesMax = 256

    /// The most bytes that a file may have; one with more is refused.
    package static let fileBytesMax = 64 << 20

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
        for entry in entries
        where !entry.wasRead || entry.isBeingWritten || Self.stamp(entry.source.path) != entry.stamp { read(entry) }
    }

    /// How each source is, in their order.
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
        changed.isBeingWritten = false
        if entry.source.isOwn, stamp == nil {
            changed.mistake = nil
            return put(changed)
        }
        do throws(NameFileError) {
            let content = try NameDirectory.content(entry.source.path)
            changed.unsettled = content.isSettled ? nil : content.status
            guard content.isSettled || (entry.unsettled == content.status && content.isSame) else {
                changed.isBeingWritten = true
                throw NameFileError(text: "is being written, it seems, and is read in a moment")
            }
            changed.table = try NameDirectory.table(content.bytes)
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
            log(now.isBeingWritten ? .info : .warning, "\(name): \(now.source.path): \(mistake); \(rest)")
        } else if !now.source.isOwn {
            let (users, organizations) = (now.table.users.count, now.table.organizations.count)
            let what = users > 0 ? Quantity.count(users, "user") : Quantity.count(organizations, "organization")
            log(.info, "\(name): \(what) read from \(now.source.path)")
        }
    }

    /// Why a file gives no names.
    struct NameFileError: Error {
        let text: String
    }

    /// What a file held at one moment.
    private struct Content {
        let bytes: [UInt8]
        /// After it was read.
        let status: FileStatus
        /// It was no other one before.
        let isSame: Bool

        /// Nobody was writing it, as far as can be seen: it did not change, and its last line has an end. One without
        /// that end is taken when it is the same a second later.
        var isSettled: Bool { isSame && (bytes.isEmpty || bytes.last == UInt8(ascii: "\n")) }
    }

    private static func content(_ path: String) throws(NameFileError) -> Content {
        let content: Content
        do throws(SystemError) {
            let file = try LocalFile.openRegular(path)
            let before = try FileStatus(of: file)
            let bytes = try file.bytes(limit: fileBytesMax).array
            let after = try FileStatus(of: file)
            content = Content(bytes: bytes, status: after, isSame: before == after)
        } catch {
            throw NameFileError(text: "cannot be read: \(error.reason)")
        }
        guard content.bytes.count <= fileBytesMax else {
            throw NameFileError(text: "is larger than \(Quantity.bytes(fileBytesMax))")
        }
        return content
    }

    private static func table(_ bytes: [UInt8]) throws(NameFileError) -> NameTable {
        do throws(NameTable.Mistake) {
            return try NameTable(csv: bytes)
        } catch {
            throw NameFileError(text: "\(error)")
        }
    }

    // MARK: Names

    /// The user of an id.
    public func user(_ id: String) -> UserName? {
        state.withLock { state in
            if let found = state.index.user(id) { return found }
            if state.misses.count < Self.missesMax, !id.isEmpty { state.misses.insert(id) }
            return nil
        }
    }

    /// Ids of users that were asked for and that no directory has, 256 at most; each is given once.
    package func takeMisses() -> [String] {
        state.withLock { state in
            defer { state.misses = [] }
            return Array(state.misses)
        }
    }

    /// The organization of an id.
    public func organization(_ id: String) -> OrganizationName? { now.organization(id) }
    /// Ids of the users of this name, compared without case; deleted ones only on request.
    public func userIDs(named username: String, evenDeleted: Bool) -> [String] {
        now.userIDs(named: username, evenDeleted: evenDeleted)
    }
    /// Ids of the users with this address, compared without case; deleted ones only on request.
    public func userIDs(withEmail email: String, evenDeleted: Bool) -> [String] {
        now.userIDs(withEmail: email, evenDeleted: evenDeleted)
    }
    /// Ids of the organizations of this name, compared without case.
    public func organizationIDs(named name: String) -> [String] { now.organizationIDs(named: name) }
    /// Every user known, by username.
    public var users: [UserName] { now.users }
    /// Every organization known, by name.
    public var organizations: [OrganizationName] { now.organizations }

    private var now: NameIndex { state.withLock { $0.index } }
}
