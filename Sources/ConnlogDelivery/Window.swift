/// What was read and is not yet retired, in the order of the queue. However many wait for their proof, finding one and
/// counting them costs nothing.
struct Window {
    /// Those before `head` are retired; their ids follow one another.
    private var flights: [Flight] = []
    private var head = 0
    private(set) var sending = 0
    private(set) var ready = 0
    /// Those that hold up what comes after them.
    private var blocking = 0
    /// Proofs come in any order, and may be long in coming: what waits for one holds nobody up.
    private let overtakesUnproven: Bool

    init(overtakesUnproven: Bool = false) {
        self.overtakesUnproven = overtakesUnproven
    }

    var count: Int { flights.count - head }
    var isEmpty: Bool { count == 0 }
    var first: Flight? { isEmpty ? nil : flights[head] }
    var indices: Range<Int> { 0..<count }

    subscript(index: Int) -> Flight { flights[head + index] }

    func index(of id: UInt64) -> Int? {
        guard let first = first?.id, id >= first, id - first < UInt64(count) else { return nil }
        return Int(id - first)
    }

    /// The fate of some is not known yet.
    var isUnderWay: Bool { sending > 0 || indices.contains { self[$0].state.isUnproven } }

    /// Something waits for its proof, and nothing for anything else.
    var isOnlyUnproven: Bool { !isEmpty && indices.allSatisfy { self[$0].state.isUnproven } }

    /// Those begun after so many pauses whose fate is not known yet.
    func underWay(begunAfter pauses: UInt64) -> Int {
        indices.count { place in
            let flight = self[place]
            return flight.begunAfter == pauses && (flight.state == .sending || flight.state.isUnproven)
        }
    }

    /// Nothing overtakes the further parts of a flight that was divided.
    private func blocks(_ flight: Flight) -> Bool {
        flight.parts.count > 1 && !(overtakesUnproven && flight.state.isUnproven)
    }

    /// The first flight that may be sent.
    var firstReady: Int? {
        guard ready > 0 else { return nil }
        for index in indices {
            if self[index].state == .ready { return index }
            if blocking > 0, blocks(self[index]) { return nil }
        }
        return nil
    }

    /// Something that was read must be begun before more is read.
    var isHeldUp: Bool { ready > 0 || blocking > 0 }

    mutating func append(_ flight: Flight) {
        precondition(isEmpty || flight.id == flights[flights.count - 1].id + 1, "flights are numbered one by one")
        flights.append(flight)
        tally(flight, 1)
    }

    /// Every change of a flight goes through here, so that the counts stay true.
    mutating func change<Result>(_ index: Int, _ body: (inout Flight) -> Result) -> Result {
        tally(self[index], -1)
        defer { tally(self[index], 1) }
        return body(&flights[head + index])
    }

    mutating func removeFirst() {
        tally(self[0], -1)
        head += 1
        // Moving the rest up each time would cost more than all else when thousands wait.
        guard head >= 64, head * 2 >= flights.count else { return }
        flights.removeFirst(head)
        head = 0
    }

    mutating func removeAll() {
        self = Window(overtakesUnproven: overtakesUnproven)
    }

    private mutating func tally(_ flight: Flight, _ change: Int) {
        if blocks(flight) { blocking += change }
        switch flight.state {
        case .sending: sending += change
        case .ready: ready += change
        default: break
        }
    }
}
