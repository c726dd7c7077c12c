#if Server
import ConnlogStore
import Hummingbird
import NIOCore

/// The rows of an answer, read a page of some bytes at a time.
struct RowPages: Sendable {
    private let question: Question
    private var after: RowPosition?
    private var offset: Int
    private var size = PageSize()
    /// Rows that are still wanted.
    private(set) var left: Int
    /// The place of the last row so far.
    private(set) var last: RowPosition?
    /// There are no more.
    private(set) var isOver = false
    /// In what is told of the answer; not where they are read once more.
    var isCounted = true
    /// How many rows have been read.
    private(set) var found = 0
    /// Time was up before all that were wanted were found: all down to this place were looked at, and the list goes on
    /// after it.
    private(set) var reached: RowPosition?
    /// All that match, after where they began, have been read.
    private(set) var isAtEnd = false
    private var limit: LookLimit?

    /// - Parameter looking: until when rows are looked for; `nil`: until all that are wanted are found.
    init(
        _ question: Question, after: RowPosition?, offset: Int = 0, limit: Int, looking: LookLimit? = nil
    ) {
        self.question = question
        self.limit = looking
        self.after = after
        self.offset = offset
        left = limit
        isOver = limit == 0
    }

    var hasBegun: Bool { last != nil }

    /// - Returns: `nil` at the end.
    mutating func next() async throws -> [ConnectionRow]? {
        if isOver { return nil }
        let (store, query, after, offset, limit) = (
            question.store, question.query, after, offset, min(size.count, left)
        )
        let budget = self.limit?.budget ?? .whole
        let withPeople = question.json.isExtended
        // What was learned from the rows before says nothing of how long the next ones are.
        let page = try await question.ask {
            try await store.page(
                query, after: after, offset: offset, limit: limit, bytesMax: PageSize.bytes, withPeople: withPeople,
                budget: budget)
        }
        found += page.rows.count
        reached = page.reached
        left -= page.rows.count
        if isCounted { question.asker.audit?.count(page.rows.count) }
        isAtEnd = page.isLast
        isOver = page.isLast || left == 0 || reached != nil
        guard let place = page.rows.last?.position else { return nil }
        (self.after, self.offset) = (place, 0)
        return page.rows
    }

    /// The same with time anew: what was found has gone out.
    func renewed() -> RowPages {
        var pages = self
        pages.limit = limit?.renewed()
        return pages
    }

    /// - Parameter bytes: what the rows came to.
    mutating func written(_ rows: [ConnectionRow], bytes: Int) {
        last = rows.last?.position ?? last
        size.learn(count: rows.count, bytes: bytes)
    }
}

/// Until when an answer may look for rows. All it does for that shares this time.
struct LookLimit: Sendable {
    let length: Duration
    let end: ContinuousClock.Instant

    init(_ length: Duration) { (self.length, end) = (length, .now + length) }

    var left: Duration { max(.zero, end - .now) }

    /// However long the tables took to open, some of the time is left for their rows.
    var budget: LookBudget { .time(until: end, atLeast: length / 5) }

    func renewed() -> LookLimit { LookLimit(length) }
}

extension ByteBuffer {
    /// So that somebody who takes little at a time is seen to take something.
    static func pieces(_ text: String) -> [ByteBuffer] {
        var rest = ByteBuffer(string: text)
        var pieces: [ByteBuffer] = []
        while let piece = rest.readSlice(length: min(rest.readableBytes, 64 << 10)), piece.readableBytes > 0 {
            pieces.append(piece)
        }
        return pieces
    }
}

extension ResponseBody {
    /// A text that is there as a whole; a long one goes out in pieces.
    static func text(_ text: String) -> ResponseBody {
        let pieces = ByteBuffer.pieces(text)
        return pieces.count == 1 ? ResponseBody(byteBuffer: pieces[0]) : ResponseBody(contentsOf: pieces)
    }
}
#endif
