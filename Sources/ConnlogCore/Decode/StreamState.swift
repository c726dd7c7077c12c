internal import ConnlogSystem

/// What one of the streams of a container holds back.
struct StreamState: Sendable {
    /// The parts so far of a line that the runtime has split; once they are too long `long` has them.
    var pieces = ByteBuffer()
    var long: LongLine?
    var hasPieces = false
    /// Where the first part lies, in bytes since the decoder was made, and its line.
    var piecesStart = (position: 0, line: 0)
    var piecesAreJSON = false
    var lastByte: UInt8 = 0
    /// More has come than can be presented again, so the parts so far are consumed.
    var isDetached = false
    /// The rest of a split line that was given up is passed over; or it is not known whether what comes is such a rest.
    var isDropping = false
    var isDistrusted = false
    /// Only lines from then on are: the time that stands where a part may have been swallowed.
    var distrustedFrom: Nanoseconds?

    /// The parts so far of a line whose parts carry numbers.
    var numbered: NumberedParts?
    /// Who wraps it splits lines, so that one may come in parts.
    var hasParts = true
    /// It is not of those that the source believes.
    var isForeign = false

    /// An entry that may go on, in lines without colours and prefixes.
    var entry = ByteBuffer()
    var header: HumanHeader?
    var entryStart = (position: 0, line: 0)
    var entryIsCut = false
    var entryIsForeign = false
    /// How the block of the last human entry goes on, as long as it may.
    var block: Block?

    /// Whether lines that are not consumed are held.
    var isPending: Bool { hasPieces && !isDetached || header != nil }

    /// Whether it is in the middle of something.
    var isBusy: Bool { isPending || hasPieces || isDropping }

    /// What comes may be the rest of a line that is not known.
    mutating func distrust(isJSON: Bool, from time: Nanoseconds? = nil) {
        isDropping = true
        isDistrusted = true
        distrustedFrom = time
        piecesAreJSON = isJSON
        lastByte = UInt8(ascii: ":")
    }

    mutating func trust() {
        isDropping = false
        isDistrusted = false
        distrustedFrom = nil
    }

    mutating func dropPieces() {
        pieces.removeAll()
        long = nil
        numbered = nil
        hasPieces = false
        isDetached = false
    }
}

/// What became of a line.
enum Effect: Sendable {
    /// The range is one of the batch's bytes, of those that are `held` once it has to wait.
    case event(EventFormat, Range<Int>, DuplicateWindow.Key?)
    case auditLog, other
    /// An event of an origin that the source does not believe.
    case foreign
    /// The event before lacks fields that its wrapper has lost.
    case incomplete
    /// A line that cannot be read. Indirect, so that events are handed on in a few registers.
    indirect case told(DecodeCounts.Sample)

    var isEvent: Bool { if case .event = self { true } else { false } }
}
