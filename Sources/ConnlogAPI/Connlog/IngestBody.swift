#if Server
import ConnlogCore
import ConnlogSystem

/// The lines of one body on their way to the session: cut out of what they came in, unpacked where a service packs them.
///
/// Of a body one document that has to be seen whole is kept, and what one record of it unpacks to; both are bounded.
struct IngestBody {
    /// What there is more of than is taken.
    enum TooLarge: Error, Equatable {
        /// The body, or what comes out of its envelopes.
        case body
        /// One envelope, one object of several lines, or what one record unpacks to.
        case document(bytesMax: Int)
    }

    private let session: any IntakeSession
    private let bytesMax: Int
    private let documentBytesMax: Int
    private var values: BodyValues
    private var search = WordSearch("connection_log")
    /// Of the body, after `Content-Encoding`.
    private(set) var bytes = 0
    /// What envelopes in it made.
    private var madeBytes = 0

    /// The most of an envelope, of an object of several lines, or of what one record unpacks to, that is kept.
    static let usualDocumentBytesMax = 16 << 20
    /// Lines of an envelope are handed over when there are so many bytes of them.
    private static let handOverBytes = 256 << 10

    /// - Parameters:
    ///   - bytesMax: of the body, and again of what envelopes in it hold.
    ///   - documentBytesMax: of what has to be kept whole.
    init(
        _ session: any IntakeSession, bytesMax: Int, documentBytesMax: Int = IngestBody.usualDocumentBytesMax
    ) {
        self.session = session
        self.bytesMax = bytesMax
        self.documentBytesMax = documentBytesMax
        values = BodyValues(documentBytesMax: documentBytesMax)
    }

    /// Whether what an event is called stood somewhere in it.
    var mentionsEvents: Bool { search.isFound }

    /// - Throws: `TooLarge`, `IntakeError`.
    mutating func take(_ piece: Span<UInt8>) async throws {
        bytes += piece.count
        if bytes > bytesMax { throw TooLarge.body }
        search.look(piece)
        if values.isPlain { return try await session.take(piece) }
        var pieces: [BodyValues.Piece] = []
        values.take(piece, &pieces)
        for piece in pieces { try await take(piece, mayBePacked: true) }
    }

    /// - Throws: `TooLarge`, `IntakeError`.
    mutating func finish() async throws -> IntakeReport {
        var pieces: [BodyValues.Piece] = []
        values.finish(&pieces)
        for piece in pieces { try await take(piece, mayBePacked: true) }
        return try await session.finish()
    }

    private mutating func take(_ piece: BodyValues.Piece, mayBePacked: Bool) async throws {
        switch piece {
        case .lines(let lines): try await session.take(lines.span)
        case .document(let document): try await take(document: document, mayBePacked: mayBePacked)
        case .tooLarge: throw TooLarge.document(bytesMax: documentBytesMax)
        }
    }

    private mutating func take(document: [UInt8], mayBePacked: Bool) async throws {
        switch Envelope(document.span) {
        case .packed(let texts) where mayBePacked:
            for text in texts { try await unpack(document, text) }
        case .list(var records):
            var lines: [UInt8] = []
            while records.next(document.span, into: &lines) {
                if lines.count < IngestBody.handOverBytes { continue }
                try await give(&lines)
            }
            try await give(&lines)
        case .none, .packed:
            // Between JSON's tokens a line feed is a blank.
            let line = document.map { $0 == 0x0a || $0 == 0x0d ? 0x20 : $0 } + [0x0a]
            try await session.take(line.span)
        }
    }

    /// Lines that were made of an envelope.
    private mutating func give(_ lines: inout [UInt8]) async throws {
        try count(lines.count)
        if !lines.isEmpty { try await session.take(lines.span) }
        lines = []
    }

    private mutating func count(_ made: Int) throws(TooLarge) {
        madeBytes += made
        if madeBytes > bytesMax { throw .body }
    }

    // MARK: Packed

    /// Bytes in base64, and perhaps gzip: a body of its own, which ends with its line.
    private mutating func unpack(_ document: [UInt8], _ text: Envelope.PackedText) async throws {
        guard let packed = Envelope.bytes(document.span, text) else { return try await refuse(document, text) }
        var inner = BodyValues(documentBytesMax: documentBytesMax)
        guard packed.count > 2, packed[0] == 0x1f, packed[1] == 0x8b else {
            try await take(inside: packed.span, &inner)
            return try await end(&inner)
        }
        // Whole, so that nothing is taken of what its checksum does not vouch for.
        var unpacked = ConnlogSystem.ByteBuffer()
        let left = bytesMax - madeBytes
        do throws(GunzipError) {
            try Gunzip.decompress(packed.span, into: &unpacked, limit: min(documentBytesMax, left))
        } catch {
            if case .tooLarge = error {
                throw left < documentBytesMax ? TooLarge.body : TooLarge.document(bytesMax: documentBytesMax)
            }
            // Damaged ones cost as much as sound ones.
            try count(unpacked.count)
            return try await refuse(document, text)
        }
        try await take(inside: unpacked.span, &inner)
        try await end(&inner)
    }

    private mutating func take(inside bytes: Span<UInt8>, _ inner: inout BodyValues) async throws {
        try count(bytes.count)
        search.look(bytes)
        var pieces: [BodyValues.Piece] = []
        inner.take(bytes, &pieces)
        for piece in pieces { try await take(piece, mayBePacked: false) }
    }

    private mutating func end(_ inner: inout BodyValues) async throws {
        var pieces: [BodyValues.Piece] = []
        inner.finish(&pieces)
        for piece in pieces { try await take(piece, mayBePacked: false) }
        try await session.take([0x0a].span)
    }

    private mutating func refuse(_ document: [UInt8], _ text: Envelope.PackedText) async throws {
        try await session.take(BodyValues.broken(document.span.extracting(text.range)).span)
    }
}

/// Whether a word stands in bytes that come in pieces.
struct WordSearch {
    private let word: [UInt8]
    /// So many of the word's bytes are at the end of what has come.
    private var matched = 0
    private(set) var isFound = false

    init(_ word: String) { self.word = Array(word.utf8) }

    mutating func look(_ bytes: Span<UInt8>) {
        if isFound { return }
        for index in bytes.indices {
            let byte = bytes[index]
            while matched > 0, word[matched] != byte { matched = shorter(matched) }
            if word[matched] == byte { matched += 1 }
            if matched == word.count {
                isFound = true
                return
            }
        }
    }

    /// The longest beginning of the word that is also the end of its first `count` bytes, and shorter.
    private func shorter(_ count: Int) -> Int {
        (0..<count).last { word[..<$0] == word[(count - $0)..<count] } ?? 0
    }
}
#endif
