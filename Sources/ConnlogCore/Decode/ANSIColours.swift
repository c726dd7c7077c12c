internal import ConnlogSystem

/// Escape sequences of terminals.
enum ANSIColours {
    /// Appends the text without them: `ESC [` up to a byte of `@` to `~`, and any other `ESC` with the byte after it.
    ///
    /// - Parameter writtenOut: rsyslog has written the line, and ESC as `#033`: then colours in that form, `#033[` up to `m`, are
    ///   taken out too. Elsewhere those characters are somebody's text.
    static func strip(_ bytes: Span<UInt8>, writtenOut: Bool, into out: inout ByteBuffer) {
        out.withWriter(reserving: bytes.count) { writer in
            var place = 0
            while place < bytes.count {
                if writtenOut, let end = endWrittenOut(bytes, place) {
                    place = end
                    continue
                }
                if bytes[place] != 0x1b {
                    writer.append(bytes[place])
                    place += 1
                    continue
                }
                place += 1
                guard place < bytes.count else { break }
                let isSequence = bytes[place] == UInt8(ascii: "[")
                place += 1
                guard isSequence else { continue }
                while place < bytes.count, !(0x40...0x7e).contains(bytes[place]) { place += 1 }
                place += 1
            }
        }
    }

    /// After `#033[1;36m`.
    private static func endWrittenOut(_ bytes: Span<UInt8>, _ start: Int) -> Int? {
        guard bytes[start] == UInt8(ascii: "#"), hasPrefix(bytes, at: start, "#033[") else { return nil }
        var place = start + 5
        while place < bytes.count, bytes[place] &- 0x30 < 10 || bytes[place] == UInt8(ascii: ";") { place += 1 }
        return place < bytes.count && bytes[place] == UInt8(ascii: "m") ? place + 1 : nil
    }
}
