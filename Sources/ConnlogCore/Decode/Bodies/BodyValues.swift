/// Cuts a body that came over HTTP into lines for the decoder, whatever stands in it and however it comes in pieces.
///
///     lines, of whatever format         go through as they are
///     [{"a":1}, {"b":2}]                a line for each element, also where elements have several lines
///     {⏎ "a": 1⏎}{⏎ "b": 2⏎}            a line for each object
///     {"records":[…]} and the like      documents: see `Envelope`
///
/// Which of these it is tells the body's beginning, once. What begins as coderd's own lines do is never looked at as
/// anything else: an object that does not end with its line is one document only if all of it is JSON, so that no
/// line that was torn takes those after it along. A damaged element is a line of its own, which the decoder refuses.
package struct BodyValues {
    /// What became of some bytes.
    package enum Piece: Equatable {
        case lines([UInt8])
        /// An object, from brace to brace, that has been found to be JSON.
        case document([UInt8])
        /// A document that is longer than may be kept; nothing of it comes.
        case tooLarge
    }

    private enum Mode {
        case start
        case lines
        /// After `[` at the body's beginning, which may be that of another kind of line.
        case bracket
        case betweenElements, element, skippedElement
        /// After a bracket that may have been the list's, or an element's that was opened as something else.
        case perhapsEnd
        case betweenDocuments, document, skippedDocument
    }

    /// The most of a document that is kept: whoever sends more at once may send it in parts, or as lines.
    private let documentBytesMax: Int
    private var mode = Mode.start
    private var nesting = JSONNesting()
    /// Bytes of which is not told yet what they are.
    private var held: [UInt8] = []
    private var hasLineFeed = false
    /// The object is the first of the body, so it may be a line.
    private var isFirst = true
    // Where the present byte and the present element stand in their lines.
    private var column = 0
    private var elementColumn = 0
    private var startColumn = 0
    private var isBlankSoFar = true
    private var lines: [UInt8] = []

    /// - Parameter documentBytesMax: how much of one document is kept in memory.
    package init(documentBytesMax: Int) { self.documentBytesMax = documentBytesMax }

    /// What comes needs no more looking at.
    package var isPlain: Bool { if case .lines = mode { true } else { false } }

    package mutating func take(_ bytes: Span<UInt8>, _ pieces: inout [Piece]) {
        for index in bytes.indices {
            if case .lines = mode {
                lines.reserveCapacity(lines.count + bytes.count - index)
                for rest in index..<bytes.count { lines.append(bytes[rest]) }
                break
            }
            take(bytes[index], &pieces)
        }
        flush(&pieces)
    }

    /// Nothing more comes.
    package mutating func finish(_ pieces: inout [Piece]) {
        switch mode {
        case .start, .bracket: lines += held
        case .document where isFirst: lines += held
        case .document: breakOff(held)
        case .element: lines.append(UInt8(ascii: "\n"))
        case .lines, .betweenElements, .perhapsEnd, .skippedElement, .betweenDocuments, .skippedDocument: break
        }
        held = []
        flush(&pieces)
    }

    private mutating func flush(_ pieces: inout [Piece]) {
        guard !lines.isEmpty else { return }
        pieces.append(.lines(lines))
        lines = []
    }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0d).contains(byte) }

    private mutating func take(_ byte: UInt8, _ pieces: inout [Piece]) {
        let isAtStart = isBlankSoFar
        switch mode {
        case .start, .bracket: begin(byte)
        case .document: document(byte, &pieces)
        case .betweenDocuments: nextDocument(byte)
        case .skippedDocument: skipDocument(byte)
        case .betweenElements: nextElement(byte)
        case .perhapsEnd: end(byte)
        case .element: element(byte)
        case .skippedElement: skipElement(byte, isAtStart: isAtStart)
        case .lines: lines.append(byte)
        }
        if byte == 0x0a {
            (column, isBlankSoFar) = (0, true)
        } else {
            column += 1
            if !BodyValues.isBlank(byte) { isBlankSoFar = false }
        }
    }

    // MARK: The beginning

    private mutating func begin(_ byte: UInt8) {
        held.append(byte)
        if BodyValues.isBlank(byte) {
            // So many blanks are no document's.
            if held.count > BodyValues.blanksMax { giveUp() }
            return
        }
        if case .bracket = mode {
            guard byte == UInt8(ascii: "{") || byte == UInt8(ascii: "]") else { return giveUp() }
            held = []
            mode = .betweenElements
            return nextElement(byte)
        }
        if byte == UInt8(ascii: "[") {
            mode = .bracket
        } else if byte == UInt8(ascii: "{"), column == 0 {
            lines += held.dropLast()
            held = [byte]
            startDocument()
            isFirst = true
        } else {
            giveUp()
        }
    }

    private static let blanksMax = 4096

    /// It is lines.
    private mutating func giveUp() {
        mode = .lines
        lines += held
        held = []
    }

    // MARK: Documents

    /// Its brace is the last byte held.
    private mutating func startDocument() {
        mode = .document
        startColumn = column
        nesting = JSONNesting()
        _ = nesting.take(UInt8(ascii: "{"))
        hasLineFeed = false
    }

    private mutating func document(_ byte: UInt8, _ pieces: inout [Piece]) {
        let step = nesting.take(byte)
        if byte == 0x0a { hasLineFeed = true }
        // After a line feed at column 0 stands the next object, unless it is one of a list.
        // An entry of one line stands on a line of its own.
        let isOver = step == .torn || step == .misplaced || isLine && startColumn > 0
        if isFirst, isOver || step == .odd || step == .unopened || isLine {
            held.append(byte)
            return giveUp()
        }
        if isOver { return leave(byte, misplaced: step == .misplaced) }
        held.append(byte)
        if held.count > documentBytesMax {
            (held, isFirst, mode) = ([], false, .skippedDocument)
            flush(&pieces)
            return pieces.append(.tooLarge)
        }
        if step == .closed { endDocument(&pieces) }
    }

    /// What coderd writes begins so, and so does nothing that has several lines.
    private var isLine: Bool {
        held.count == 6 && !hasLineFeed && held.elementsEqual("{\"ts\":".utf8)
    }

    private mutating func endDocument(_ pieces: inout [Piece]) {
        var scanner = EventScanner()
        var fields = EventFields()
        let isJSON = scanner.isJSON(held.span, &fields)
        let isOne = isJSON && (hasLineFeed || Envelope.isOne(held.span))
        if isFirst, !isOne { return giveUp() }
        isFirst = false
        mode = .betweenDocuments
        guard isJSON else { return breakOff(held) }
        flush(&pieces)
        pieces.append(.document(held))
        held = []
    }

    private mutating func nextDocument(_ byte: UInt8) {
        // Some put commas or record separators between.
        if BodyValues.isBlank(byte) || byte == UInt8(ascii: ",") || byte == 0x1e { return }
        held = [byte]
        if byte == UInt8(ascii: "{") { return startDocument() }
        if byte == UInt8(ascii: "[") {
            held = []
            mode = .betweenElements
            return
        }
        breakOff(held)
        mode = .skippedDocument
    }

    /// The present document is damaged; the next may begin here.
    private mutating func leave(_ byte: UInt8, misplaced: Bool) {
        breakOff(held)
        mode = .skippedDocument
        if misplaced { skipDocument(byte) }
    }

    /// Up to an object that begins a line.
    private mutating func skipDocument(_ byte: UInt8) {
        guard byte == UInt8(ascii: "{"), column == 0 else { return }
        held = [byte]
        startDocument()
    }

    /// A line that is none, by which the decoder counts and tells what is damaged. So little of it is shown that no event
    /// has room.
    private mutating func breakOff(_ bytes: [UInt8]) {
        lines += BodyValues.broken(bytes.span)
        held = []
    }

    private static let brokenBytesMax = 80

    /// No JSON begins with two braces.
    package static func broken(_ bytes: Span<UInt8>) -> [UInt8] {
        var line = Array("{{".utf8)
        for place in 0..<min(bytes.count, brokenBytesMax) {
            line.append(bytes[place] < 0x20 ? 0x20 : bytes[place])
        }
        line.append(UInt8(ascii: "\n"))
        return line
    }

    // MARK: Elements of a list

    private mutating func nextElement(_ byte: UInt8) {
        if BodyValues.isBlank(byte) || byte == UInt8(ascii: ",") { return }
        if byte == UInt8(ascii: "]") {
            mode = .start
            isFirst = true
            return
        }
        mode = .element
        nesting = JSONNesting()
        elementColumn = column
        element(byte)
    }

    private mutating func element(_ byte: UInt8) {
        if !nesting.isInString, nesting.depth == 0, byte == UInt8(ascii: ",") || byte == UInt8(ascii: "]") {
            lines.append(UInt8(ascii: "\n"))
            mode = .betweenElements
            return nextElement(byte)
        }
        let step = nesting.take(byte)
        switch step {
        case .torn:
            lines.append(UInt8(ascii: "\n"))
            mode = .skippedElement
            return
        case .misplaced where nesting.depth > 0:
            lines.append(UInt8(ascii: "\n"))
            mode = .betweenElements
            return nextElement(byte)
        case .unopened where byte == UInt8(ascii: "]"):
            lines.append(UInt8(ascii: "\n"))
            mode = .perhapsEnd
            return
        case .inside, .closed, .odd, .unopened, .misplaced: break
        }
        lines.append(byte == 0x0a || byte == 0x0d ? 0x20 : byte)
        if step == .closed {
            lines.append(UInt8(ascii: "\n"))
            mode = .betweenElements
        }
    }

    private mutating func end(_ byte: UInt8) {
        if BodyValues.isBlank(byte) { return }
        if byte == UInt8(ascii: ",") || byte == UInt8(ascii: "]") {
            mode = .betweenElements
            return nextElement(byte)
        }
        mode = .start
        isFirst = true
        begin(byte)
    }

    /// Up to a line on which an element or the list's end stands no further to the right than the damaged one.
    private mutating func skipElement(_ byte: UInt8, isAtStart: Bool) {
        guard isAtStart, column <= elementColumn, byte == UInt8(ascii: "{") || byte == UInt8(ascii: "]") else { return }
        mode = .betweenElements
        nextElement(byte)
    }
}
