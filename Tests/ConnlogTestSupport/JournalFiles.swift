import ConnlogSystem
package import Foundation

/// Journal files with entries of a test's choice, those of journald's own fields too, as systemd-journal-remote writes them.
/// It needs no root and no running journald. The directory is removed with the value.
package final class JournalFiles {
    /// An entry in systemd's export format.
    package struct Entry: Sendable {
        /// Microseconds since 1970.
        package var realtime: UInt64 = 1_788_830_349_000_000
        /// Microseconds since the boot.
        package var monotonic: UInt64 = 5_000_000
        /// `_BOOT_ID` and `_STREAM_ID` are 32 hexadecimal digits. An empty value leaves the field out.
        package var fields: [String: [UInt8]] = [
            "_BOOT_ID": Array(boot.utf8), "_TRANSPORT": Array("stdout".utf8), "_STREAM_ID": Array(stream.utf8),
            "_SYSTEMD_UNIT": Array("coder.service".utf8), "_PID": Array("77".utf8), "PRIORITY": Array("6".utf8),
            "SYSLOG_IDENTIFIER": Array("coder".utf8),
        ]

        package static let boot = "5f0d8b6c1d3e4c0a9f1b2c3d4e5f6071"
        package static let stream = "6f0d8b6c1d3e4c0a9f1b2c3d4e5f6072"

        package init(_ message: [UInt8]) { fields["MESSAGE"] = message }
        package init(_ message: String) { self.init(Array(message.utf8)) }

        /// The same with a field set, or left out.
        package func with(_ field: String, _ value: String) -> Entry {
            var entry = self
            entry.fields[field] = Array(value.utf8)
            return entry
        }

        /// The same so many microseconds later, by both clocks.
        package func later(_ microseconds: UInt64) -> Entry {
            var entry = self
            entry.realtime += microseconds
            entry.monotonic += microseconds
            return entry
        }

        fileprivate var export: [UInt8] {
            var bytes = Array("__REALTIME_TIMESTAMP=\(realtime)\n__MONOTONIC_TIMESTAMP=\(monotonic)\n".utf8)
            for (name, value) in fields.sorted(by: { $0.key < $1.key }) where !value.isEmpty {
                // Of the entry's own marks it reads this form alone.
                if name == "_BOOT_ID" {
                    bytes += Array("\(name)=".utf8) + value + [10]
                    continue
                }
                bytes += Array("\(name)\n".utf8)
                for shift in stride(from: 0, to: 64, by: 8) {
                    bytes.append(UInt8(truncatingIfNeeded: UInt64(value.count) >> UInt64(shift)))
                }
                bytes += value + [10]
            }
            return bytes + [10]
        }
    }

    /// Where systemd-journal-remote is, on Debian.
    package static let writer = "/lib/systemd/systemd-journal-remote"

    package let directory: URL

    package init() throws {
        directory = FileManager.default.temporaryDirectory.appendingPathComponent(
            "connlog-journal-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(at: directory) }

    package var path: String { directory.path }

    /// Appends entries to a file, or begins it; a new file has a sequence id of its own.
    package func write(_ entries: [Entry], to name: String = "a") throws {
        let input = directory.appendingPathComponent("\(name).export")
        try Data(entries.flatMap(\.export)).write(to: input)
        defer { try? FileManager.default.removeItem(at: input) }
        try SpawnedProgram.output(
            of: JournalFiles.writer, ["-o", url(name).path, input.path])
    }

    /// Renames a file, as a rotation does; entries that come for it begin a new one.
    package func rotate(_ name: String = "a", to newName: String) throws {
        try FileManager.default.moveItem(at: url(name), to: url(newName))
    }

    /// Removes a file, as vacuuming does.
    package func remove(_ name: String) throws { try FileManager.default.removeItem(at: url(name)) }

    package func url(_ name: String) -> URL { directory.appendingPathComponent("\(name).journal") }
}
