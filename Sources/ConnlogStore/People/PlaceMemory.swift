#if Server
/// What the writer remembers of places, so that most connections are told whose they are without a look into the file.
struct PlaceMemory {
    struct Known {
        /// All who were let in from here on are in `tunnel` and `terminal`.
        let since: Microseconds
        var tunnel: PersonSearch.Nearest?
        var terminal: PersonSearch.Nearest?
        /// No agent's connection there began later, that names nobody; `nil`: unknown.
        var newestRow: Microseconds?

        /// - Returns: `nil` when the file must be asked.
        func user(_ unnamed: Unnamed) -> String?? {
            let kinds = unnamed.isTerminal ? [tunnel, terminal] : [tunnel]
            if kinds.contains(where: { $0.map { $0.time > unnamed.start } ?? false }) { return nil }
            let from = unnamed.start.advanced(by: -PersonSearch.window)
            if from < since, kinds.contains(nil) { return nil }
            let latest = kinds.reduce(nil, PersonSearch.Nearest.latest)
            guard let latest, latest.time >= from else { return .some(nil) }
            return .some(latest.user)
        }
    }

    private var places: [Place: Known] = [:]

    /// So many are remembered; then all are forgotten.
    private static let countMax = 20_000
    /// The name of an agent is as long as somebody made it.
    private static let bytesMax = 256

    subscript(place: Place) -> Known? { places[place] }

    mutating func remember(_ place: Place, _ known: Known) {
        guard place.agent.utf8.count + place.workspace.utf8.count <= PlaceMemory.bytesMax else { return }
        if places.count >= PlaceMemory.countMax { removeAll() }
        places[place] = known
    }

    mutating func removeAll() { places.removeAll(keepingCapacity: true) }

    /// An agent's connection has begun there.
    mutating func noteRow(_ place: Place, _ start: Microseconds) {
        guard let newest = places[place]?.newestRow else { return }
        if start > newest { places[place]?.newestRow = start }
    }

    /// Somebody was let in there. What was before the time from which on all are known says nothing: between the two there
    /// may be others that only the file has.
    mutating func noteAccess(_ place: Place, _ kind: Access.Kind, _ user: String, _ time: Microseconds) {
        guard var known = places[place], time >= known.since else { return }
        let new = PersonSearch.Nearest(time: time, user: user)
        switch kind {
        case .tunnel: known.tunnel = .latest(known.tunnel, new)
        case .terminal: known.terminal = .latest(known.terminal, new)
        case .web, .agent: return
        }
        places[place] = known
    }
}
#endif
