#if Server
import ConnlogStore
import ConnlogTestSupport
import Testing

/// Coder's rules for merging (§1.7), in the form that no order changes.
@Suite struct SessionTests {
    @Test func `what events say together depends neither on their order nor on how they are grouped`() {
        let said: [Session] = [
            Session(time: 10, isDisconnect: false, reason: nil, code: nil),
            Session(time: 20, isDisconnect: true, reason: nil, code: 0),
            Session(time: 20, isDisconnect: true, reason: "b", code: 1),
            Session(time: 30, isDisconnect: true, reason: "a", code: nil),
            Session(time: 5, isDisconnect: false, reason: "", code: 200),
        ]
        for subset in 1..<(1 << said.count) {
            let chosen = said.indices.filter { subset >> $0 & 1 == 1 }.map { said[$0] }
            let orders = permutations(chosen)
            let expected = merged(orders[0])
            for order in orders {
                #expect(merged(order) == expected)
                for cut in 1..<max(2, order.count) {
                    var grouped = merged(Array(order[..<cut]))
                    if cut < order.count { grouped.merge(merged(Array(order[cut...]))) }
                    #expect(grouped == expected)
                }
            }
        }
    }

    @Test func `the smallest connect time, the first disconnect, the first reason and code that are there win`() {
        var session = Session(time: 20, isDisconnect: true, reason: nil, code: nil)
        #expect(session.connect == 20 && session.disconnect == 20)
        session.merge(Session(time: 30, isDisconnect: true, reason: "killed", code: 137))
        session.merge(Session(time: 10, isDisconnect: false, reason: nil, code: nil))
        session.merge(Session(time: 40, isDisconnect: true, reason: "later", code: 0))
        #expect(session.connect == 10 && session.disconnect == 20)
        #expect(session.reason?.value == "killed" && session.code?.value == 137)
        #expect(session.events == 4)
    }

    private func merged(_ sessions: [Session]) -> Session {
        sessions.dropFirst().reduce(into: sessions[0]) { $0.merge($1) }
    }
}

func permutations<Element>(_ elements: [Element]) -> [[Element]] {
    guard elements.count > 1 else { return [elements] }
    return elements.indices.flatMap { index in
        var rest = elements
        let first = rest.remove(at: index)
        return permutations(rest).map { [first] + $0 }
    }
}
#endif
