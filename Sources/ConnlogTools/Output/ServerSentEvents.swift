/// Lines of a stream of server-sent events, which comes in pieces that are cut anywhere.
package struct ServerSentEvents: Sendable {
    private var rest: [UInt8] = []

    package init() {}

    /// The lines that are whole now, without their ends. Each byte is looked at once, however long a line is.
    package mutating func take(_ bytes: [UInt8]) -> [String] {
        var lines: [String] = []
        var start = 0
        while let end = bytes[start...].firstIndex(of: UInt8(ascii: "\n")) {
            rest += bytes[start..<end]
            lines.append(String(decoding: rest, as: UTF8.self))
            rest.removeAll(keepingCapacity: true)
            start = end + 1
        }
        rest += bytes[start...]
        return lines
    }
}

/// What a watch tells, event by event.
package struct WatchedEvents: Sendable {
    package struct Event: Sendable, Equatable {
        package let data: String
        /// No event of somebody's connection: the store is another one than before.
        package let isRestart: Bool
    }

    private var stream = ServerSentEvents()
    private var name = ""
    /// The id of the newest event: with it a watch goes on after that one.
    package private(set) var last: String?

    package init() {}

    package mutating func take(_ bytes: [UInt8]) -> [Event] {
        var events: [Event] = []
        for line in stream.take(bytes) {
            if line.isEmpty { name = "" }
            if line.hasPrefix("id: ") { last = String(line.dropFirst(4)) }
            if line.hasPrefix("event: ") { name = String(line.dropFirst(7)) }
            guard line.hasPrefix("data: ") else { continue }
            events.append(Event(data: String(line.dropFirst(6)), isRestart: name == "restart"))
        }
        return events
    }
}
