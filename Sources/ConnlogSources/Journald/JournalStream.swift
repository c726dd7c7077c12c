import ConnlogCore
import ConnlogSystem

/// One stream of lines, and what of it is not done yet.
struct JournalStream: Sendable {
    /// A part of a line, as Docker numbers them.
    struct Part: Sendable, Equatable {
        /// A hash of the line's id.
        var line: UInt64
        /// From 1.
        var ordinal: Int
    }

    /// What the next entry is.
    enum Next: Sendable {
        /// A line, or its beginning.
        case beginning
        /// A further piece of the line that is open in the decoder.
        case piece(isJSON: Bool, Part?)
        /// A further piece of a line that is passed over.
        case passed(isJSON: Bool, Part?)
    }

    let id: JournalStreamID
    var decoder: StreamDecoder
    var next = Next.beginning
    /// What the decoder was not done with.
    var rest = ByteBuffer()
    /// Bytes that came, those of `rest` included.
    var written = 0
    private(set) var consumed = 0
    /// Bytes of the line that is open, and the number of its first entry.
    var openBytes = 0
    var openSince = 0
    /// The number of the last entry, and when that was read.
    var last = 0
    var heardAt = Duration.zero
    /// Every line that it began was of the JSON sink.
    var isOnlyJSON = true

    /// Entries whose bytes are not done, by number, with the place after them.
    private var undone: [(end: Int, number: Int)] = []
    private var firstUndone = 0
    /// The number of the last entry that is done.
    private(set) var lastDone = -1

    init(_ id: JournalStreamID, _ decoder: StreamDecoder) {
        self.id = id
        self.decoder = decoder
    }

    /// The number of the first entry that is not done; `nil` if all are.
    var oldestUndone: Int? { firstUndone < undone.count ? undone[firstUndone].number : nil }

    /// So many bytes have come with an entry.
    mutating func add(_ count: Int, _ number: Int) {
        written += count
        openBytes += count
        undone.append((written, number))
    }

    /// A byte was put after the last entry's.
    mutating func extendLast() {
        written += 1
        openBytes += 1
        if firstUndone < undone.count { undone[undone.count - 1].end = written }
    }

    /// The bytes of the open line are taken back.
    mutating func takeBackOpen() {
        written -= openBytes
        while firstUndone < undone.count, let last = undone.last, last.number >= openSince {
            undone.removeLast()
            lastDone = max(lastDone, last.number)
        }
        openBytes = 0
    }

    /// The decoder is done with so many bytes more.
    mutating func consume(_ count: Int) {
        consumed += count
        let place = consumed - decoder.restartDistance
        while firstUndone < undone.count, undone[firstUndone].end <= place {
            lastDone = undone[firstUndone].number
            firstUndone += 1
        }
        guard firstUndone == undone.count || firstUndone > 4096 else { return }
        undone.removeFirst(firstUndone)
        firstUndone = 0
    }
}

/// How an entry ends.
enum JournalEnding {
    /// With its line.
    case whole
    /// In the middle of a line, whose next piece follows.
    case piece
    /// In the middle of a line, and what follows of it is not to be believed.
    case cut
    /// Another process wrote to the same stream: what this one writes next may be the rest.
    case otherProcess

    init(_ entry: borrowing JournalEntry) {
        if equal(entry.value(.partial), entry.value(.partial).indices, "true") {
            self = .piece
            return
        }
        let value = entry.value(.lineBreak)
        if value.isEmpty || equal(value, value.indices, "eof") {
            self = .whole
        } else if equal(value, value.indices, "line-max") {
            self = .piece
        } else if equal(value, value.indices, "pid-change") {
            self = .otherProcess
        } else {
            // `nul`, and what later versions may have.
            self = .cut
        }
    }
}
