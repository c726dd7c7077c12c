import Synchronization

/// How far a file source has read each of its files, for whoever holds that against the files themselves.
///
/// It is made only when somebody has asked, since there may be thousands of files.
final class ReadPlaces: Sendable {
    private let isAsked = Atomic(false)
    private let places = Mutex<[ReadPlace]>([])

    /// What the source said last; it is asked to say it anew with its next turn. Never waits for the source.
    func ask() -> [ReadPlace] {
        isAsked.store(true, ordering: .relaxed)
        return places.withLock { $0 }
    }

    /// The source's part, once in each of its turns.
    func answer(_ make: () -> [ReadPlace]) {
        guard isAsked.exchange(false, ordering: .relaxed) else { return }
        let made = make()
        places.withLock { $0 = made }
    }
}

extension FileFollower {
    /// Of all files that are there.
    ///
    /// One that is known to have more gets on as long as any is read: its turn comes, after thousands of others or after
    /// those that it waits for. One that is not known to, though it has more, has only its own reading.
    var readPlaces: [ReadPlace] {
        let all = order.compactMap { files[$0] }.filter { $0.state != .missing }
        let read = all.reduce(0 as UInt64) { $0 &+ UInt64(clamping: $1.seenBytes) }
        return all.map { file in
            return ReadPlace(
                path: file.state == .following ? file.path : file.position.path, identity: file.position.identity,
                offset: file.seenBytes, progress: file.hasMore ? read : UInt64(clamping: file.seenBytes))
        }
    }
}
