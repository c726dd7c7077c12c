/// Tells what is wrong, looked at again and again, at a pace: each trouble at once when it begins, and when it comes and
/// goes, once a minute how often it did.
package struct TroublePace: Sendable {
    /// How long what was told is only counted.
    package static let pause = Duration.seconds(60)
    /// So many different ones are told within a pause.
    private static let saidMax = 10

    private var last: String?
    private var said: Set<String> = []
    private var pausedSince: Duration?
    /// Changes that were not told.
    private var changes = 0

    package init() {}

    /// - Parameters:
    ///   - trouble: what is wrong; `nil`: nothing is.
    ///   - now: by a clock that nobody sets.
    /// - Returns: what to say now; `nil`: nothing.
    package mutating func words(_ trouble: String?, now: Duration) -> String? {
        let isChanged = trouble != last
        last = trouble
        if isChanged { changes += 1 }
        if let since = pausedSince, now - since >= TroublePace.pause { return endPause(trouble, now) }
        guard isChanged, let trouble, said.count < TroublePace.saidMax, said.insert(trouble).inserted else {
            return nil
        }
        changes -= 1
        if pausedSince == nil { pausedSince = now }
        return trouble
    }

    /// What is over and stays so is not told, nor what is still the same.
    private mutating func endPause(_ trouble: String?, _ now: Duration) -> String? {
        defer { changes = 0 }
        let since = pausedSince ?? now
        let isTold = trouble.map(said.contains) ?? true
        if changes <= 1, isTold {
            pausedSince = trouble == nil ? nil : now
            said = trouble.map { [$0] } ?? []
            return nil
        }
        pausedSince = now
        said = trouble.map { [$0] } ?? []
        guard changes > 1 else { return trouble }
        let seconds = Int((now - since) / .seconds(1))
        return "\(trouble ?? "all is well again") (it came and went: \(changes) changes within \(seconds) s)"
    }
}
