/// How many requests may be under way at once where that is found out by trying (`concurrency = adaptive`): one more for
/// each round of successes, half as many when Splunk has too much to do.
///
///     a success      1 more after as many successes as may be under way, up to `most`
///     an overload    half as many, but not fewer than 2 (or `most`, where that is 1); once for all requests that were
///                    begun before, as one cause fails several
struct HECConcurrency: Sendable, Equatable {
    static let least = 2

    let most: Int
    private(set) var limit: Int
    private var successes = 0
    /// Cuts so far; a request keeps the number it was begun with.
    private(set) var cuts = 0

    init(most: Int) {
        self.most = max(1, most)
        limit = min(HECConcurrency.least, self.most)
    }

    mutating func succeeded() {
        successes += 1
        guard successes >= limit, limit < most else { return }
        limit += 1
        successes = 0
    }

    /// - Parameter cuts: what it was when the request began.
    mutating func overloaded(begunAfter cuts: Int) {
        guard cuts == self.cuts else { return }
        self.cuts += 1
        limit = max(min(HECConcurrency.least, most), limit / 2)
        successes = 0
    }
}
