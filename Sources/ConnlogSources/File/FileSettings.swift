package import ConnlogSystem

/// What a file source is told.
package struct FileSettings: Sendable {
    package var patterns: [Glob]
    /// Files that are there at the very first start are read from their end.
    package var startsAtEnd = false
    /// Read what is there and stop.
    package var once = false
    /// How long a file that was renamed or removed must be silent before it counts as finished.
    package var grace = Duration.seconds(5)
    /// How often the patterns are looked up.
    package var scanEvery = Duration.seconds(1)
    /// How long a file that is not to be found is remembered.
    package var rememberFor = Duration.seconds(24 * 3600)
    /// How many such files are remembered.
    package var rememberMax = 1000
    /// Files kept open at most.
    package var openMax = 512
    /// Bytes read into one batch, about.
    package var batchBytes = 1 << 20

    package init(patterns: [Glob]) {
        self.patterns = patterns
    }

    /// Ends of names that no wildcard leads to: packed files and those of editors and packers at work.
    static let excludedEnds = [
        ".gz", ".bz2", ".xz", ".zst", ".lz4", ".zip", ".tmp", ".part", ".swp", ".swx", ".bak", "~",
    ]

    package static func isExcluded(_ path: String) -> Bool { excludedEnds.contains { path.hasSuffix($0) } }
}
