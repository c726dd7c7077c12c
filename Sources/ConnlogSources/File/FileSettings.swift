package import ConnlogPipeline
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
    /// How long a file must be silent before an entry of several lines at its end counts as complete.
    package var silence = Duration.seconds(5)
    /// How often the patterns are looked up.
    package var scanEvery = Duration.seconds(1)
    /// How long a file that is not to be found is remembered.
    package var rememberFor = Duration.seconds(24 * 3600)
    /// How many such files are remembered.
    package var rememberMax = 1000
    /// Files that sinks write; none of them is read.
    package var written = WrittenFiles()
    /// Files kept open at most; fewer while descriptors are short.
    package var openMax = FileSettings.openMax(of: Machine.descriptorLimit)
    /// A descriptor of this number says that those left are for others: the kernel gives the lowest that is free.
    package var descriptorRoof = FileSettings.descriptorRoof(of: Machine.descriptorLimit)
    /// Opens a file for reading; the seam for tests.
    package var open: @Sendable (String) throws(SystemError) -> LocalFile = { (path) throws(SystemError) in
        try LocalFile.openForReading(path)
    }
    /// Bytes read into one batch, about.
    package var batchBytes = 1 << 20

    package init(patterns: [Glob]) {
        self.patterns = patterns
    }

    /// Half of what there is, since other sources want theirs, and what queue, sinks, store and server may need is kept.
    package static func openMax(of limit: Int) -> Int { max(4, min(512, descriptorRoof(of: limit) / 2)) }

    /// - Parameter limit: how many descriptors the process may have.
    package static func descriptorRoof(of limit: Int) -> Int { limit - min(reserveMax, limit / 4) }

    /// Descriptors left for others, or a quarter of all where that is less.
    private static let reserveMax = 96

    /// Ends of names that no wildcard leads to: packed files and those of editors and packers at work.
    static let excludedEnds = [
        ".gz", ".bz2", ".xz", ".zst", ".lz4", ".zip", ".tmp", ".part", ".swp", ".swx", ".bak", "~",
    ]

    package static func isExcluded(_ path: String) -> Bool { excludedEnds.contains { path.hasSuffix($0) } }
}
