internal import ConnlogCore
package import ConnlogSystem

/// The files that a file sink has written: those rotated away, oldest first, and the present one.
package struct LogFileSeries: Sendable {
    /// One of them.
    package struct Member: Sendable, Equatable {
        package let path: String
        package let isCompressed: Bool
        /// When it was rotated away; every line in it was written before. `nil` for the present one.
        package let rotated: Nanoseconds?
        /// Bytes of the file.
        package let bytes: Int
    }

    private let path: String
    private let disk: any LogFileSystem

    /// - Parameter path: the sink's `path`.
    package init(_ path: String, disk: any LogFileSystem = LocalFileSystem()) {
        self.path = path
        self.disk = disk
    }

    /// What is there now. One that exists plain and compressed, as while it is compressed, comes once.
    package func members() throws(SystemError) -> [Member] {
        let directory = LocalFileSystem.parent(of: path)
        guard try disk.status(directory == "." || directory == "/" ? directory : directory + "/.") != nil else {
            return []
        }
        let pattern = RotatedName(of: FilePath.name(of: path))
        var found: [UInt64: RotatedName.Parsed] = [:]
        for name in try disk.list(directory) {
            guard let parsed = pattern.parse(name), !parsed.isTemporary else { continue }
            if found[parsed.number]?.isCompressed != false { found[parsed.number] = parsed }
        }
        var members: [Member] = []
        for parsed in found.values.sorted(by: { $0.number < $1.number }) {
            let place = FilePath.join(directory, parsed.name)
            guard let status = try disk.status(place) else { continue }
            members.append(
                Member(
                    path: place, isCompressed: parsed.isCompressed, rotated: pattern.time(of: parsed),
                    bytes: status.size))
        }
        if let status = try disk.status(path), status.kind == .regular {
            members.append(Member(path: path, isCompressed: false, rotated: nil, bytes: status.size))
        }
        return members
    }
}

extension RotatedName {
    /// The time in the name.
    fileprivate func time(of parsed: Parsed) -> Nanoseconds? {
        // `20260115T093012.480Z` after the stem and a hyphen.
        let stamp = Array(parsed.name.utf8.dropFirst(stem.utf8.count + 1).prefix(20))
        guard stamp.count == 20 else { return nil }
        func part(_ range: Range<Int>) -> String { String(decoding: stamp[range], as: UTF8.self) }
        return EventTime.parse(
            "\(part(0..<4))-\(part(4..<6))-\(part(6..<8))T\(part(9..<11)):\(part(11..<13)):\(part(13..<20))")
    }
}
