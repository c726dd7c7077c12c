import Synchronization

/// The time zones of a directory, each read when it is asked for first and then kept.
///
/// A zone is read anew when its file is another one than it was: tables change a few times a year, with a package of the
/// system, and a server that runs for months goes by the new one from the next question on. Looking whether it is costs one
/// call of the system, and no reading.
///
/// Names come from whoever asks: they can name nothing but a file of that directory, only what is a table of a zone is read,
/// and only those are kept.
package final class ZoneFiles: Sendable {
    package static let shared = ZoneFiles("/usr/share/zoneinfo")

    private struct Kept {
        let status: FileStatus
        let zone: Zone
    }

    private let directory: String
    private let zonesMax: Int
    private let kept = Mutex<[String: Kept]>([:])
    private let readCount = Mutex(0)

    /// Of one file.
    private static let bytesMax = 1 << 20

    /// - Parameter zonesMax: so many are kept; when one more is asked for, the others are read anew as they come.
    package init(_ directory: String, zonesMax: Int = 64) {
        (self.directory, self.zonesMax) = (directory, zonesMax)
    }

    /// How many files were read so far.
    package var reads: Int { readCount.withLock { $0 } }

    package func zone(named name: String) throws(Zone.Problem) -> Zone {
        let shown = "'\(name.unicodeScalars.prefix(40).map { $0.isASCII && $0.value > 31 ? "\($0)" : "?" }.joined())'"
        let unknown = Zone.Problem(description: "\(shown) is no time zone; write one such as Europe/Berlin, or UTC")
        guard ZoneFiles.isName(name) else { throw unknown }
        let path = "\(directory)/\(name)"
        // Before it is read: what is replaced meanwhile is seen to be another one the next time.
        guard let status = try? FileStatus(of: path) else { throw missing ?? unknown }
        if let known = kept.withLock({ $0[name] }), known.status == status { return known.zone }
        readCount.withLock { $0 += 1 }
        guard let bytes = try? LocalFile.openRegular(path).bytes(limit: ZoneFiles.bytesMax).array,
            let table = ZoneTable(bytes)
        else { throw missing ?? unknown }
        let zone = Zone(name: name, changes: table.changes, offsets: table.offsets)
        kept.withLock { kept in
            if kept[name] == nil, kept.count >= zonesMax { kept.removeAll(keepingCapacity: true) }
            kept[name] = Kept(status: status, zone: zone)
        }
        return zone
    }

    /// The directory itself is not there.
    private var missing: Zone.Problem? {
        if (try? FileStatus(of: directory)) != nil { return nil }
        return Zone.Problem(description: "this machine knows no time zones but UTC; install its package tzdata")
    }

    /// Letters, digits and `_+-` between slashes, as the database has them: no way out of its directory.
    private static func isName(_ name: String) -> Bool {
        guard name.utf8.count <= 64 else { return false }
        return name.split(separator: "/", omittingEmptySubsequences: false).allSatisfy { part in
            part.utf8.first.map { (0x41...0x5a).contains($0) } ?? false
                && part.utf8.allSatisfy { byte in
                    (0x30...0x39).contains(byte) || (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte)
                        || [0x5f, 0x2b, 0x2d].contains(byte)
                }
        }
    }
}
