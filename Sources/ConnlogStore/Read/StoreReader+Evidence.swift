#if Server
import ConnlogCore
import GRDB

/// Some events of several connections.
package struct EventSlice: Sendable {
    /// A connection by its place in what was asked, and an event of it; connection by connection, the oldest event first.
    package var events: [(row: Int, event: ReceivedEvent)] = []
    /// After the last of them; `nil` when there are no more.
    package var next: SlicePlace?
}

/// A place among the events of several connections.
package struct SlicePlace: Sendable, Equatable {
    /// The connection, by its place in what is asked.
    package var row: Int
    /// After this event of it; 0 is before the first.
    package var number: Int64

    package init(row: Int = 0, number: Int64 = 0) {
        self.row = row
        self.number = number
    }
}

extension StoreReader {
    /// Neighbours in a list have their events in the same few packs.
    private static let membersMax = 8

    /// The events of several connections, in their order; what retention has let go of is missing.
    /// - Parameters:
    ///   - start: goes on here.
    ///   - bytesMax: with so many bytes of events, no more are given; one is at least.
    func events(of places: [RowPosition], from start: SlicePlace, bytesMax: Int) throws -> EventSlice {
        var slice = EventSlice()
        var members: [RawMember] = []
        var bytes = 0
        for row in start.row..<max(start.row, places.count) {
            let last = row == start.row ? start.number : 0
            for number in try numbers(of: places[row], after: last) {
                try Task.checkCancellation()
                guard let line = try line(number, &members) else { continue }
                slice.events.append((row, ReceivedEvent(number: number, line: line)))
                bytes += line.count
                if bytes >= bytesMax {
                    slice.next = SlicePlace(row: row, number: number)
                    return slice
                }
            }
        }
        return slice
    }

    /// The numbers of a connection's events after one, in their order.
    private func numbers(of place: RowPosition, after number: Int64) throws -> [Int64] {
        let partition = Partition(number: place.partition)
        // Retention may have let go of it, tables and all, since somebody was told of the row.
        guard partitions.contains(where: { $0.partition == partition }) else { return [] }
        return try database.all(StoreReader.eventNumbers(partition), [.int(place.row), .int(number)]) { $0.int(0) }
    }

    private func line(_ number: Int64, _ members: inout [RawMember]) throws -> [UInt8]? {
        for member in members {
            if let line = member.line(number) { return line }
        }
        guard let member = try member(of: number) else { return nil }
        if members.count == StoreReader.membersMax { members.removeFirst() }
        members.append(member)
        return member.line(number)
    }

    /// When the oldest connection that matches began; `nil` if none does.
    func oldest(_ query: RowQuery) throws -> Microseconds? {
        var found: Microseconds?
        for extent in partitions.sorted(by: { $0.oldest < $1.oldest }) {
            if let found, extent.oldest >= found { break }
            guard let time = try plan(query, extent).oldest(database) else { continue }
            found = min(found ?? time, time)
        }
        return found
    }
}

extension ConnectionStore {
    /// The events of several connections as they were received; see `StoreReader`.
    /// - Parameter bytesMax: with so many bytes of events, no more are given; one is at least. Go on at `next`.
    package func events(
        of rows: [ConnectionRow], from start: SlicePlace, bytesMax: Int
    ) async throws(StoreProblem) -> EventSlice {
        let places = rows.map(\.position)
        return try await read { try $0.events(of: places, from: start, bytesMax: bytesMax) }
    }

    /// When the oldest connection that matches began; `nil` if none does.
    package func oldest(_ query: RowQuery) async throws(StoreProblem) -> Microseconds? {
        try refuseLarge(query)
        return try await read { try $0.oldest(query) }
    }
}
#endif
