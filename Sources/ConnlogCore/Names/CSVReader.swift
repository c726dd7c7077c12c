/// Reads CSV as RFC 4180 describes it: commas, double quotes, line feeds with or without carriage return.
///
/// A byte order mark at the start, and empty lines, are passed over.
struct CSVReader {
    struct Record: Equatable {
        var fields: [String]
        /// The line on which it begins, from 1.
        var line: Int
    }

    struct Mistake: Error, Equatable {
        let line: Int
        let text: String
    }

    private let bytes: [UInt8]
    private var place = 0
    private var line = 1

    private static let quote = UInt8(ascii: "\"")
    private static let comma = UInt8(ascii: ",")
    private static let lineFeed = UInt8(ascii: "\n")
    private static let carriageReturn = UInt8(ascii: "\r")

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { place = 3 }
    }

    /// The next record; `nil` at the end.
    mutating func next() throws(Mistake) -> Record? {
        while place < bytes.count {
            let start = line
            let fields = try record()
            if fields != [""] { return Record(fields: fields, line: start) }
        }
        return nil
    }

    private mutating func record() throws(Mistake) -> [String] {
        var fields: [String] = []
        while true {
            fields.append(try field())
            guard place < bytes.count else { return fields }
            let end = bytes[place]
            place += 1
            if end == Self.comma { continue }
            if end == Self.carriageReturn, place < bytes.count, bytes[place] == Self.lineFeed { place += 1 }
            line += 1
            return fields
        }
    }

    private mutating func field() throws(Mistake) -> String {
        guard place < bytes.count, bytes[place] == Self.quote else { return try plain() }
        let start = line
        place += 1
        var text: [UInt8] = []
        while place < bytes.count {
            let byte = bytes[place]
            place += 1
            if byte == Self.lineFeed { line += 1 }
            guard byte == Self.quote else {
                text.append(byte)
                continue
            }
            if place < bytes.count, bytes[place] == Self.quote {
                text.append(byte)
                place += 1
                continue
            }
            guard isAtEndOfField else { throw Mistake(line: line, text: "text after a closing quote") }
            return try string(text)
        }
        throw Mistake(line: start, text: "a quote that nothing closes")
    }

    private mutating func plain() throws(Mistake) -> String {
        let start = place
        while !isAtEndOfField { place += 1 }
        return try string(Array(bytes[start..<place]))
    }

    private var isAtEndOfField: Bool {
        place == bytes.count || [Self.comma, Self.lineFeed, Self.carriageReturn].contains(bytes[place])
    }

    private func string(_ text: [UInt8]) throws(Mistake) -> String {
        guard let string = String(validating: text, as: UTF8.self) else {
            throw Mistake(line: line, text: "bytes that are not UTF-8")
        }
        return string
    }
}
