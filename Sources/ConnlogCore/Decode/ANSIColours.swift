internal import ConnlogSystem

/// Escape sequences of terminals.
enum ANSIColours {
    /// Appends the text without them: `ESC [` up to a byte of `@` to `~`, and any other `ESC` with the byte behind it.
    static func strip(_ bytes: Span<UInt8>, into out: inout ByteBuffer) {
        out.withWriter(reserving: bytes.count) { writer in
            var place = 0
            while place < bytes.count {
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
}
