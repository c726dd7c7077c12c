/// Makes lines of a JSON array, one of each of its elements, as it comes; anything else goes through as it is.
///
///     [{"a":1},          {"a":1}
///      {"b":[2,3]}]  →   {"b":[2,3]}
///
/// Some shippers send their events so. What is inside an element keeps its bytes, but for line feeds.
struct JSONArrayLines {
    private enum Place {
        /// Before the first byte that tells.
        case start
        /// After a `[`, which may be the beginning of a line of another kind.
        case bracket
        /// Between two elements.
        case between
        /// In an element, so many brackets deep; 0 in one that has none.
        case element(depth: Int)
        case plain
    }

    private var place = Place.start
    private var isInString = false
    private var isEscaped = false
    /// Bytes that are not told yet.
    private var held: [UInt8] = []

    /// What comes needs no more looking at.
    var isPlain: Bool { if case .plain = place { true } else { false } }

    mutating func take(_ bytes: Span<UInt8>, _ lines: inout [UInt8]) {
        for index in bytes.indices {
            let byte = bytes[index]
            switch place {
            case .plain: lines.append(byte)
            case .start, .bracket: begin(byte, &lines)
            case .between: next(byte, &lines)
            case .element(let depth): go(on: byte, depth, &lines)
            }
        }
    }

    /// Nothing more comes.
    mutating func finish(_ lines: inout [UInt8]) {
        lines += held
        held = []
        // An element without its end is a line that cannot be read, and is told as one.
        if case .element = place { lines.append(UInt8(ascii: "\n")) }
    }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0d).contains(byte) }

    private mutating func begin(_ byte: UInt8, _ lines: inout [UInt8]) {
        held.append(byte)
        if JSONArrayLines.isBlank(byte) { return }
        if case .start = place, byte == UInt8(ascii: "[") {
            place = .bracket
            return
        }
        if case .bracket = place, byte == UInt8(ascii: "{") || byte == UInt8(ascii: "]") {
            held = []
            place = .between
            return next(byte, &lines)
        }
        place = .plain
        lines += held
        held = []
    }

    private mutating func next(_ byte: UInt8, _ lines: inout [UInt8]) {
        if JSONArrayLines.isBlank(byte) || byte == UInt8(ascii: ",") { return }
        if byte == UInt8(ascii: "]") {
            place = .start
            return
        }
        place = .element(depth: 0)
        go(on: byte, 0, &lines)
    }

    private mutating func go(on byte: UInt8, _ depth: Int, _ lines: inout [UInt8]) {
        if !isInString, depth == 0, byte == UInt8(ascii: ",") || byte == UInt8(ascii: "]") {
            lines.append(UInt8(ascii: "\n"))
            place = .between
            return next(byte, &lines)
        }
        lines.append(byte == 0x0a || byte == 0x0d ? 0x20 : byte)
        if isInString {
            if isEscaped {
                isEscaped = false
            } else if byte == UInt8(ascii: "\\") {
                isEscaped = true
            } else if byte == UInt8(ascii: "\"") {
                isInString = false
            }
            return
        }
        switch byte {
        case UInt8(ascii: "\""): isInString = true
        case UInt8(ascii: "{"), UInt8(ascii: "["): place = .element(depth: depth + 1)
        case UInt8(ascii: "}"), UInt8(ascii: "]"):
            place = .element(depth: depth - 1)
            if depth == 1 {
                lines.append(UInt8(ascii: "\n"))
                place = .between
            }
        default: break
        }
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
