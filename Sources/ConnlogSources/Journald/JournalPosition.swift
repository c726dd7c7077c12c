/// How far a journal was read: what the checkpoint of a journald source holds.
///
/// All numbers are little-endian; strings and lists have their length before them.
///
///     version   1 byte     1
///     place     2 + n      which files, in words; another place is another journal
///     matches   8          a hash of what of it is read
///     cursor    2 + n      the last entry that is wholly done; empty: none yet
///     total     4          how many done entries share its boot, monotonic and realtime
///     hashes    4 + 8n     of the last of them, `x` of their cursors
///     streams   4 + 21n    those whose next entry is a continuation: id, process or 0, 1 if they have JSON alone
///
/// The library finds the cursor's entry again by its number as long as the journal is the same one. Once it was written
/// from memory to disk (`s` changed), the entries of one microsecond are told apart by the hashes. Never more than 64 KiB.
package struct JournalPosition: Sendable, Equatable {
    /// The done entries of one microsecond, the cursor's included. journald gives all lines that it reads at once the same
    /// time, 24,576 at most.
    package struct Moment: Sendable, Equatable {
        package static let hashesMax = 4000

        package var total = 0
        /// Of the last ones.
        package var hashes: [UInt64] = []
    }

    /// A stream in the middle of a line that is passed over.
    package struct Interrupted: Sendable, Hashable {
        package var stream: JournalStreamID
        /// Only what this process writes; 0 for all of it.
        package var process: UInt32
        /// Its lines are JSON, so that a whole entry cannot be the rest of one.
        package var isJSON: Bool
    }

    package static let streamsMax = 256
    private static let placeMax = 4096

    package var place: String
    package var matches: UInt64
    package var cursor: JournalCursor?
    package var moment = Moment()
    package var interrupted: [Interrupted] = []

    package init(place: String, matches: UInt64) {
        self.place = String(decoding: place.utf8.prefix(JournalPosition.placeMax), as: UTF8.self)
        self.matches = matches
    }

    /// Goes on to the next entry that is done.
    package mutating func advance(to next: JournalCursor) {
        if let cursor, next.isOfSameMoment(as: cursor) {
            moment.total += 1
            moment.hashes.append(next.hash)
            // Cut seldom, since it moves all of them.
            if moment.hashes.count > 2 * Moment.hashesMax { trim() }
        } else {
            moment.total = 1
            moment.hashes.removeAll(keepingCapacity: true)
            moment.hashes.append(next.hash)
        }
        cursor = next
    }

    private mutating func trim() { moment.hashes.removeFirst(max(0, moment.hashes.count - Moment.hashesMax)) }
}

extension JournalPosition {
    private static let version: UInt8 = 1
    private static let wholeMax = 64 << 10

    package var checkpoint: [UInt8] {
        var writer = PositionWriter()
        writer.bytes.append(JournalPosition.version)
        writer.text(Array(place.utf8))
        writer.number(matches, bytes: 8)
        writer.text(Array((cursor?.text ?? "").utf8.prefix(JournalPosition.placeMax)))
        writer.number(UInt64(moment.total), bytes: 4)
        let hashes = moment.hashes.suffix(Moment.hashesMax)
        writer.number(UInt64(hashes.count), bytes: 4)
        for hash in hashes { writer.number(hash, bytes: 8) }
        let streams = interrupted.suffix(JournalPosition.streamsMax)
        writer.number(UInt64(streams.count), bytes: 4)
        for stream in streams {
            writer.number(stream.stream.high, bytes: 8)
            writer.number(stream.stream.low, bytes: 8)
            writer.number(UInt64(stream.process), bytes: 4)
            writer.number(stream.isJSON ? 1 : 0, bytes: 1)
        }
        return writer.bytes
    }

    /// - Returns: nil for what this version cannot read.
    package init?(checkpoint: [UInt8]) {
        guard checkpoint.first == JournalPosition.version, checkpoint.count <= JournalPosition.wholeMax else {
            return nil
        }
        var reader = PositionReader(bytes: checkpoint, place: 1)
        guard let place = reader.text(), let matches = reader.number(8), let cursor = reader.text(),
            let total = reader.number(4), let hashCount = reader.number(4)
        else { return nil }
        self.init(place: String(decoding: place, as: UTF8.self), matches: matches)
        if !cursor.isEmpty { self.cursor = JournalCursor(Array(cursor).span) }
        moment.total = Int(total)
        for _ in 0..<hashCount {
            guard let hash = reader.number(8) else { return nil }
            moment.hashes.append(hash)
        }
        guard let streamCount = reader.number(4) else { return nil }
        for _ in 0..<streamCount {
            guard let high = reader.number(8), let low = reader.number(8), let process = reader.number(4),
                let isJSON = reader.number(1)
            else { return nil }
            interrupted.append(
                Interrupted(
                    stream: JournalStreamID(high: high, low: low), process: UInt32(process), isJSON: isJSON != 0))
        }
        guard reader.place == checkpoint.count, moment.hashes.count <= moment.total else { return nil }
    }
}

private struct PositionWriter {
    var bytes: [UInt8] = []

    mutating func number(_ value: UInt64, bytes count: Int) {
        for place in 0..<count { bytes.append(UInt8(truncatingIfNeeded: value >> UInt64(8 * place))) }
    }

    mutating func text(_ text: [UInt8]) {
        number(UInt64(text.count), bytes: 2)
        bytes += text
    }
}

private struct PositionReader {
    let bytes: [UInt8]
    var place: Int

    mutating func number(_ count: Int) -> UInt64? {
        guard place + count <= bytes.count else { return nil }
        defer { place += count }
        return (0..<count).reduce(0) { $0 | UInt64(bytes[place + $1]) << UInt64(8 * $1) }
    }

    mutating func text() -> ArraySlice<UInt8>? {
        guard let count = number(2), place + Int(count) <= bytes.count else { return nil }
        defer { place += Int(count) }
        return bytes[place..<place + Int(count)]
    }
}
