internal import ConnlogCore
internal import ConnlogSystem

/// Messages in the frames of RFC 6587, one after the other, as a stream carries them.
///
/// What works for each event lies together here, apart from the sink: an actor's properties are checked for exclusive
/// access each time they are used.
struct SyslogFrames {
    /// Bytes that are gathered before they are written: enough to make system calls rare, small enough to stay in the
    /// processor's cache.
    private static let chunkBytes = 256 << 10

    private let framing: SyslogOptions.Framing
    private var encoder: SyslogEncoder
    private(set) var bytes = ByteBuffer(capacity: SyslogFrames.chunkBytes)
    /// Digits of the last message's length, which the next one's most likely has too.
    private var digits = 4

    init(_ options: SyslogOptions) {
        framing = options.framing
        encoder = SyslogEncoder(options)
    }

    /// Messages that had to be cut.
    var truncations: UInt64 { encoder.truncations }

    mutating func removeAll() { bytes.removeAll() }

    enum Stop {
        /// Enough is gathered; `place` is the next event.
        case full
        /// The batch is at its end.
        case done
        /// The event at `place` is no connection event.
        case rejected
    }

    /// Adds the messages of a batch from `place` on.
    /// - Parameters:
    ///   - start: how many bytes of the connection are before `bytes`.
    ///   - ends: gets where each message ends, in bytes from the beginning of the connection.
    mutating func add(
        _ batch: borrowing EventBatch, from place: inout Int, start: UInt64, _ ends: inout [UInt64]
    ) -> Stop {
        while place < batch.count {
            if bytes.count >= SyslogFrames.chunkBytes { return .full }
            guard add(batch, place) else { return .rejected }
            ends.append(start + UInt64(bytes.count))
            place += 1
        }
        return .done
    }

    private mutating func add(_ batch: borrowing EventBatch, _ place: Int) -> Bool {
        let start = bytes.count
        switch framing {
        case .octetCounting: bytes.appendZeros(digits + 1)
        case .lf: break
        }
        let messageStart = bytes.count
        guard encoder.append(batch, place, to: &bytes) else {
            bytes.truncate(to: start)
            return false
        }
        switch framing {
        case .octetCounting: count(from: start, messageStart)
        case .lf: bytes.append(UInt8(ascii: "\n"))
        }
        return true
    }

    /// Writes the length and a blank before a message. There is room for as many digits as the last one had; when this
    /// one has more or fewer, it is moved.
    private mutating func count(from start: Int, _ messageStart: Int) {
        let length = bytes.count - messageStart
        let needed = ByteWriter.decimalDigits(UInt64(length))
        if needed != digits {
            bytes.moveTail(from: messageStart, to: start + needed + 1)
            digits = needed
        }
        bytes.overwrite(at: start, reserving: needed + 1) { writer in
            writer.appendDecimal(UInt64(length), digits: needed)
            writer.append(UInt8(ascii: " "))
        }
    }
}
