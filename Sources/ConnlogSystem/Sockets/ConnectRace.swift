private import CConnlog
#if canImport(Glibc)
import Glibc
#endif

/// Connects to the first of several addresses that answers (RFC 8305).
///
/// The addresses are tried in turn, families alternating. The next begins when one fails, or when it has not answered
/// for 250 ms; the earlier ones stay in the race.
struct ConnectRace {
    /// RFC 8305 §5: the recommended delay between two attempts.
    static let headStart = Duration.milliseconds(250)

    private struct Attempt {
        let socket: SocketDescriptor
        let address: SocketAddress
        let deadline: ContinuousClock.Instant
    }

    private var waiting: [SocketAddress]
    private var running: [Attempt] = []
    private var nextStart = ContinuousClock.now
    private var failure: SocketError
    /// Whether some address has answered.
    private(set) var hasWinner = false
    private let name: String
    private let options: TCPConnection.Options

    init(_ addresses: [SocketAddress], name: String, _ options: TCPConnection.Options) {
        waiting = ConnectRace.alternating(addresses)
        self.name = name
        self.options = options
        failure = SocketError(.notResolved, name, "the name has no address")
    }

    /// IPv6 and IPv4 by turns, beginning with what comes first (RFC 8305 §4).
    static func alternating(_ addresses: [SocketAddress]) -> [SocketAddress] {
        guard let first = addresses.first else { return [] }
        var groups = [
            addresses.filter { $0.isIPv6 == first.isIPv6 }[...], addresses.filter { $0.isIPv6 != first.isIPv6 }[...],
        ]
        var turns: [SocketAddress] = []
        while turns.count < addresses.count {
            for group in groups.indices {
                if let next = groups[group].popFirst() { turns.append(next) }
            }
        }
        return turns
    }

    /// The socket, and whom it is connected to.
    /// - Throws: what the last address to fail said; `cancelled`.
    mutating func winner() throws(SocketError) -> (SocketDescriptor, SocketAddress) {
        while true {
            while mayStart {
                if let winner = start(waiting.removeFirst()) { return win(winner) }
            }
            if running.isEmpty { throw failure }
            if Task.isCancelled { throw SocketError(.cancelled, name, "stopped while connecting") }
            if let winner = try look() { return win(winner) }
            drop()
        }
    }

    private mutating func win(
        _ winner: (SocketDescriptor, SocketAddress)
    ) -> (SocketDescriptor, SocketAddress) {
        hasWinner = true
        return winner
    }

    private var mayStart: Bool {
        guard !waiting.isEmpty, running.count < Int(connlog_waits_max) else { return false }
        return running.isEmpty || ContinuousClock.now >= nextStart
    }

    private mutating func start(_ address: SocketAddress) -> (SocketDescriptor, SocketAddress)? {
        nextStart = ContinuousClock.now + ConnectRace.headStart
        do throws(SocketError) {
            let socket = try SocketDescriptor(address, .stream, peer: address.label(name))
            try TCPConnection.prepare(socket, options)
            if try socket.connect(address) { return (socket, address) }
            running.append(Attempt(socket: socket, address: address, deadline: .now + options.connectTimeout))
        } catch { fail(error) }
        return nil
    }

    private mutating func fail(_ error: SocketError) {
        failure = error
        // Nobody need wait for the head start of one that is out.
        nextStart = .now
    }

    /// Waits a little for one to get through or to fail.
    private mutating func look() throws(SocketError) -> (SocketDescriptor, SocketAddress)? {
        var until = running.map(\.deadline).min() ?? .now
        if !waiting.isEmpty { until = min(until, nextStart) }
        let wait = min(max(ContinuousClock.now.duration(to: until), .zero), SocketDescriptor.slice)
        let numbers = running.map(\.socket.number)
        let place = unsafe connlog_wait_for_many(numbers, Int32(numbers.count), wait.nanoseconds)
        if place == -2 { throw SocketError(code: errorNumber, name, "ppoll") }
        guard place >= 0 else { return nil }
        let attempt = running.remove(at: Int(place))
        guard let error = attempt.socket.pendingError("connect") else { return (attempt.socket, attempt.address) }
        fail(error)
        return nil
    }

    /// Gives those up that have had their time.
    private mutating func drop() {
        let now = ContinuousClock.now
        for late in running.filter({ $0.deadline <= now }) {
            fail(
                SocketError(
                    .timedOut, late.socket.peer,
                    "no answer within \(options.connectTimeout); is the receiver alive, and does a firewall drop its "
                        + "packets?"))
        }
        running.removeAll { $0.deadline <= now }
    }
}

extension SocketAddress {
    /// The name as configured, with the numeric address in parentheses where that says more.
    func label(_ name: String) -> String { name == text ? name : "\(name) (\(text))" }
}
