internal import ConnlogSystem

/// Tells an event that splunkd fails on whenever it comes from a splunkd that fails on everything. Both look alike: code
/// 8 (internal server error), which says nothing of an event.
///
/// Events that failed so `failuresMax` times in a row are halved, which does no harm. In the end one is left; it is given
/// up only if it fails once more after an event that was taken before is taken again (see `SplunkHECSink.findCulprit`).
struct HECSuspects: Sendable {
    static let failuresMax = 5
    /// More than can be under way; what is left over from batches that were split is forgotten.
    private static let countMax = 256

    /// By fingerprint: how often in a row it failed.
    private var failures: [UInt64: Int] = [:]
    /// The envelope of an event that was taken.
    private(set) var taken: ByteBuffer?

    /// Returns whether it has failed often enough.
    mutating func failed(_ fingerprint: UInt64) -> Bool {
        if failures.count >= HECSuspects.countMax { failures = [:] }
        failures[fingerprint, default: 0] += 1
        return failures[fingerprint, default: 0] >= HECSuspects.failuresMax
    }

    mutating func succeeded(_ fingerprint: @autoclosure () -> UInt64, _ envelope: ByteBuffer) {
        if !failures.isEmpty { failures[fingerprint()] = nil }
        taken = envelope
    }
}
