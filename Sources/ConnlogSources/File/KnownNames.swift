import ConnlogSystem

/// Whether the patterns still lead to the same names, so that looking them up again would tell nothing.
///
/// A directory changes its time when a name in it comes or goes. A time is trusted once it is older than `settled`, since
/// two changes within one tick of a file system's clock leave the same one; and not for longer than `longest`, since a
/// clock may be set back. What a name leads to is looked at file by file.
struct KnownNames: Sendable {
    /// Coarser than the clock of any file system in use (2 s with FAT).
    private static let settled: Nanoseconds = 3_000_000_000
    static let longest = Duration.seconds(60)

    private struct Directory: Sendable, Equatable {
        let identity: FileIdentity
        let modified: Nanoseconds
    }

    /// As they were before the last look; `nil` when that look told of something that time may change.
    private var directories: [Directory]?
    private var lookedAt: Duration = .zero
    private let clock: any WallTime

    init(clock: any WallTime) { self.clock = clock }

    func areSame(_ patterns: [Glob], _ now: Duration) -> Bool {
        guard let directories, now < lookedAt + KnownNames.longest else { return false }
        return KnownNames.directories(of: patterns) == directories
    }

    /// To be called before the patterns are looked up.
    mutating func willLook(_ patterns: [Glob], _ now: Duration) {
        lookedAt = now
        let trusted = clock.now() - KnownNames.settled
        let found = KnownNames.directories(of: patterns)
        directories = found?.allSatisfy { $0.modified < trusted } == true ? found : nil
    }

    /// Something that was found may be another thing next time, although its directory is the same: it could not be read.
    mutating func isUnclear() { directories = nil }

    private static func directories(of patterns: [Glob]) -> [Directory]? {
        var found: [Directory] = []
        for pattern in patterns {
            guard let path = pattern.directory, let status = try? FileStatus(of: path), status.isDirectory else {
                return nil
            }
            found.append(Directory(identity: status.identity, modified: status.modified))
        }
        return found
    }
}
