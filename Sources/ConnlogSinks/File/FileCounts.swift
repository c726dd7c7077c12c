private import Synchronization

/// What a file sink has done since it was made.
package struct FileCounts: Sendable, Equatable {
    /// Events that are in a file by now, those included that an earlier run had written and not committed.
    package var events = 0
    package var bytesWritten = 0
    /// Bytes found in the file from before a crash, and not written again.
    package var bytesFoundAgain = 0
    package var rotations = 0
    /// Rotations that could not be done; the file grew on.
    package var rotationFailures = 0
    /// Times the file was opened anew, since its name stood for another file or for none.
    package var reopens = 0
    /// Last lines without a line feed, not ours, that got one.
    package var tornLines = 0
    /// Times somebody else was seen to have changed, cut or replaced the file.
    package var foreignChanges = 0
    /// Ends of a file that a power failure had damaged, kept beside it.
    package var tailsSetAside = 0
    package var compressed = 0
    package var compressFailures = 0
    package var pruned = 0
    package var pruneFailures = 0

    package init() {}
}

/// Counts from the sink and from its background thread.
final class FileCounters: Sendable {
    private let counts = Mutex(FileCounts())

    var values: FileCounts { counts.withLock { $0 } }

    func add(_ key: any WritableKeyPath<FileCounts, Int> & Sendable, _ number: Int = 1) {
        counts.withLock { $0[keyPath: key] += number }
    }
}
