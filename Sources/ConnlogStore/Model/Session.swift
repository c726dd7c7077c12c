/// What the events of one connection say together.
///
/// Merging is commutative and associative, and a repeat changes nothing but `events`: whatever the order, the batches
/// and the repeats, the same comes out. It keeps what Coder's upserts keep, and does not lose a connect that comes
/// after its disconnect.
package struct Session: Sendable, Equatable {
    /// The smallest time of all events: a disconnect alone is a connection of no length.
    package private(set) var connect: Microseconds
    /// The first disconnect's.
    package private(set) var disconnect: Microseconds?
    /// The first that is not empty, of connects and disconnects.
    package private(set) var reason: Timed<String>?
    /// The first that is not null: an exit code, of web rows the HTTP status.
    package private(set) var code: Timed<Int>?
    /// How many events were merged, repeats included.
    package private(set) var events: Int

    /// Something an event says, and when.
    package struct Timed<Value: Comparable & Sendable>: Sendable, Equatable {
        package let time: Microseconds
        package let value: Value

        package init(time: Microseconds, value: Value) {
            self.time = time
            self.value = value
        }

        /// The earlier; of one time the lesser, so that no order counts.
        static func first(_ one: Timed?, _ other: Timed?) -> Timed? {
            guard let one else { return other }
            guard let other else { return one }
            return (one.time, one.value) <= (other.time, other.value) ? one : other
        }
    }

    /// As it was stored.
    init(
        connect: Microseconds, disconnect: Microseconds?, reason: Timed<String>?, code: Timed<Int>?, events: Int
    ) {
        self.connect = connect
        self.disconnect = disconnect
        self.reason = reason
        self.code = code
        self.events = events
    }

    /// What a single event says.
    package init(time: Microseconds, isDisconnect: Bool, reason: String?, code: Int?) {
        connect = time
        disconnect = isDisconnect ? time : nil
        self.reason = reason.flatMap { $0.isEmpty ? nil : Timed(time: time, value: $0) }
        self.code = code.map { Timed(time: time, value: $0) }
        events = 1
    }

    package mutating func merge(_ other: Session) {
        connect = min(connect, other.connect)
        disconnect = [disconnect, other.disconnect].compactMap { $0 }.min()
        reason = Timed.first(reason, other.reason)
        code = Timed.first(code, other.code)
        events += other.events
    }
}
