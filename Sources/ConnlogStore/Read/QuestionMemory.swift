import Synchronization

/// Remembers what was found out for one question, so that its pages and counts do not find it out anew. Whatever comes in
/// meanwhile is another question's.
final class QuestionMemory: Sendable {
    private struct Place: Hashable {
        let store: KeyHash
        let begin: Microseconds
    }

    /// Of as many ranges as one question is made of.
    private let fresh = Mutex<[Place: FreshAddresses]>([:])

    func freshAddresses(
        of store: KeyHash, since begin: Microseconds, _ find: () throws -> FreshAddresses
    ) rethrows -> FreshAddresses {
        let place = Place(store: store, begin: begin)
        if let known = fresh.withLock({ $0[place] }) { return known }
        let found = try find()
        fresh.withLock { $0[place] = found }
        return found
    }
}
