import ConnlogCore
import ConnlogSystem

/// The library's name for an entry, taken apart.
///
///     s=<sequence id>;i=<number>;b=<boot id>;m=<monotonic µs>;t=<realtime µs>;x=<hash of all fields>
///
/// Numbers and ids are hexadecimal. systemd calls it opaque, but only its parts tell an entry again after a journal in
/// memory was written to disk, which changes `s` alone. One that looks different is kept as it is.
package struct JournalCursor: Sendable, Equatable {
    /// 128 bits.
    package struct ID: Sendable, Hashable {
        package var high: UInt64 = 0
        package var low: UInt64 = 0

        package init(high: UInt64, low: UInt64) {
            self.high = high
            self.low = low
        }
    }

    /// A journal's numbers go on from one file to the next as long as its sequence id is the same.
    package var sequence = ID(high: 0, low: 0)
    package var number: UInt64 = 0
    package var boot = ID(high: 0, low: 0)
    package var monotonic: UInt64 = 0
    package var realtime: UInt64 = 0
    package var hash: UInt64 = 0
    /// The text, if it is not made of these parts.
    private var odd: [UInt8]?

    package init(_ text: Span<UInt8>) {
        var reader = CursorReader()
        guard let sequence = reader.id("s=", text), let number = reader.number(";i=", text),
            let boot = reader.id(";b=", text), let monotonic = reader.number(";m=", text),
            let realtime = reader.number(";t=", text), let hash = reader.number(";x=", text),
            reader.place == text.count
        else {
            odd = text.indices.map { text[$0] }
            return
        }
        self.sequence = sequence
        self.number = number
        self.boot = boot
        self.monotonic = monotonic
        self.realtime = realtime
        self.hash = hash
    }

    package init(_ text: String) { self.init(Array(text.utf8).span) }

    /// Its parts are known.
    package var isKnown: Bool { odd == nil }

    package var text: String {
        if let odd { return String(decoding: odd, as: UTF8.self) }
        let hex = { (number: UInt64) in String(number, radix: 16) }
        return "s=\(sequence);i=\(hex(number));b=\(boot);m=\(hex(monotonic));t=\(hex(realtime));x=\(hex(hash))"
    }

    /// Whether both were written in the same microsecond of the same boot, so that their times do not tell them apart.
    package func isOfSameMoment(as other: JournalCursor) -> Bool {
        isKnown && other.isKnown && realtime == other.realtime && monotonic == other.monotonic && boot == other.boot
    }

    /// Whether this entry was there when the other one was read, which its numbers prove. After a power cut numbers are given
    /// a second time, so its time must agree.
    package func isProvenOlder(than other: JournalCursor) -> Bool {
        guard isKnown, other.isKnown, realtime <= other.realtime else { return false }
        if sequence == other.sequence { return number <= other.number }
        return boot == other.boot && monotonic < other.monotonic
    }
}

extension JournalCursor.ID: CustomStringConvertible {
    package var description: String {
        [high, low].map { half in
            let digits = String(half, radix: 16)
            return String(repeating: "0", count: 16 - digits.count) + digits
        }.joined()
    }
}

/// Reads a cursor's parts one after another.
private struct CursorReader {
    var place = 0

    mutating func number(_ name: StaticString, _ text: Span<UInt8>) -> UInt64? {
        guard skip(name, text) else { return nil }
        return digits(16, text)
    }

    mutating func id(_ name: StaticString, _ text: Span<UInt8>) -> JournalCursor.ID? {
        guard skip(name, text), place + 32 <= text.count, let high = digits(16, text), let low = digits(16, text) else {
            return nil
        }
        return JournalCursor.ID(high: high, low: low)
    }

    private mutating func skip(_ name: StaticString, _ text: Span<UInt8>) -> Bool {
        guard hasPrefix(text, at: place, name) else { return false }
        place += name.utf8CodeUnitCount
        return true
    }

    /// At most so many lower-case digits, without zeros before them but in an id.
    private mutating func digits(_ most: Int, _ text: Span<UInt8>) -> UInt64? {
        let start = place
        var value: UInt64 = 0
        while place < text.count, place - start < most {
            let byte = text[place]
            if byte &- 0x30 < 10 {
                value = value << 4 | UInt64(byte - 0x30)
            } else if byte >= 0x61, byte <= 0x66 {
                value = value << 4 | UInt64(byte - 0x57)
            } else {
                break
            }
            place += 1
        }
        return place > start ? value : nil
    }
}
