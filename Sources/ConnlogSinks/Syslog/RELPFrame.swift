internal import ConnlogSystem

/// The frames of RELP, the Reliable Event Logging Protocol.
///
///     TXNR SP COMMAND SP DATALEN [SP DATA] LF
///
///     1 open 76 relp_version=0<LF>relp_software=...<LF>commands=syslog<LF>
///     1 rsp 50 200 OK<LF>relp_version=0<LF>...<LF>
///     2 syslog 24 <134>1 - - connlog - - -<LF>
///     2 rsp 6 200 OK<LF>
///
/// A number stands for one command of a session: 1 to 999999999, then 1 again. 0 is for what a server says unasked
/// (`serverclose`). DATALEN counts DATA alone; without DATA its blank is missing too. DATA may hold anything.
enum RELPFrame {
    /// The highest number of a command.
    static let numberMax: UInt64 = 999_999_999
    /// What a frame adds to its data, at most: number, longest command of ours, length, three blanks and the line feed.
    static let overheadMax = 9 + 6 + 20 + 4

    /// The number on the wire of the `sequence`th command of a session, from 1.
    static func number(_ sequence: UInt64) -> UInt64 { (sequence - 1) % numberMax + 1 }

    static func append(
        _ sequence: UInt64, _ command: StaticString, _ data: borrowing ByteBuffer, to output: inout ByteBuffer
    ) {
        output.withWriter(reserving: data.count + overheadMax) { writer in
            writer.appendDecimal(number(sequence))
            writer.append(UInt8(ascii: " "))
            writer.append(command)
            writer.append(UInt8(ascii: " "))
            writer.appendDecimal(UInt64(data.count))
            if data.count > 0 {
                writer.append(UInt8(ascii: " "))
                writer.append(data.span)
            }
            writer.append(UInt8(ascii: "\n"))
        }
    }
}

/// What a RELP server has said, frame by frame.
struct RELPReply: Equatable {
    enum Command: Equatable { case response, serverClose, other(String) }

    /// 0 for what was not asked for.
    let number: UInt64
    let command: Command
    /// Of a response: three digits; 0 when it has no data.
    let code: Int
    /// Of a response: the rest of its first line.
    let text: String
    /// Of a response: what comes after its first line, such as the offers.
    let more: String

    var isOK: Bool { code == 200 }

    /// Offers: `name=value` lines.
    var offers: [String: String] {
        var offers: [String: String] = [:]
        for line in more.split(separator: "\n") {
            let parts = line.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            offers[String(parts[0])] = parts.count == 2 ? String(parts[1]) : ""
        }
        return offers
    }
}

/// Reads a server's frames out of what has come.
struct RELPReader {
    /// A server that breaks the grammar; what it said, for people.
    struct Fault: Error, Equatable {
        let said: String
    }

    /// A reply is short: the longest are the offers.
    static let dataMax = 64 << 10

    /// Takes the next whole frame out, beginning at `at`, which moves after it.
    /// - Returns: `nil` when it is not all there yet.
    static func next(_ bytes: borrowing ByteBuffer, _ at: inout Int) throws(Fault) -> RELPReply? {
        var reader = Cursor(at: at)
        guard let number = try reader.number(bytes, digitsMax: 9) else { return nil }
        guard let command = try reader.word(bytes) else { return nil }
        guard let length = try reader.length(bytes) else { return nil }
        var data = 0..<0
        if length > 0 {
            guard reader.at + 1 + length <= bytes.count else { return nil }
            try reader.expect(UInt8(ascii: " "), bytes)
            data = reader.at..<(reader.at + length)
            reader.at += length
        }
        guard reader.at < bytes.count else { return nil }
        try reader.expect(UInt8(ascii: "\n"), bytes)
        at = reader.at
        switch command {
        case "rsp": return try response(number, bytes, data)
        case "serverclose": return RELPReply(number: number, command: .serverClose, code: 0, text: "", more: "")
        default: return RELPReply(number: number, command: .other(command), code: 0, text: "", more: "")
        }
    }

    /// `200 OK` and perhaps a line feed and more.
    private static func response(
        _ number: UInt64, _ bytes: borrowing ByteBuffer, _ data: Range<Int>
    ) throws(Fault) -> RELPReply {
        // By far the most frequent one makes no text.
        if data.count == 6, isOK(bytes, data.lowerBound) {
            return RELPReply(number: number, command: .response, code: 200, text: "", more: "")
        }
        let text = bytes.text(data)
        // How receivers answer `close`.
        if text.isEmpty { return RELPReply(number: number, command: .response, code: 0, text: "", more: "") }
        let parts = text.split(separator: "\n", maxSplits: 1, omittingEmptySubsequences: false)
        let line = parts.first ?? ""
        guard line.utf8.count >= 3, line.prefix(3).utf8.allSatisfy({ 48...57 ~= $0 }), let code = Int(line.prefix(3))
        else { throw Fault(said: shown(text)) }
        // Three digits, and a blank before any words.
        guard line.utf8.count == 3 || line.dropFirst(3).hasPrefix(" ") else { throw Fault(said: shown(text)) }
        return RELPReply(
            number: number, command: .response, code: code,
            text: shown(String(line.dropFirst(3).drop { $0 == " " })),
            more: parts.count == 2 ? String(parts[1]) : "")
    }

    private static func isOK(_ bytes: borrowing ByteBuffer, _ start: Int) -> Bool {
        bytes[start] == UInt8(ascii: "2") && bytes[start + 1] == UInt8(ascii: "0")
            && bytes[start + 2] == UInt8(ascii: "0") && bytes[start + 3] == UInt8(ascii: " ")
            && bytes[start + 4] == UInt8(ascii: "O") && bytes[start + 5] == UInt8(ascii: "K")
    }

    /// At most 80 characters, printable ones.
    static func shown(_ text: String) -> String {
        String(text.unicodeScalars.prefix(80).map { 32...126 ~= $0.value ? Character($0) : "?" })
    }

    /// Goes over the parts of one frame's head.
    private struct Cursor {
        var at: Int

        init(at: Int) { self.at = at }

        /// Digits and the blank after them.
        mutating func number(_ bytes: borrowing ByteBuffer, digitsMax: Int) throws(Fault) -> UInt64? {
            guard let number = try digits(bytes, digitsMax) else { return nil }
            try expect(UInt8(ascii: " "), bytes)
            return number
        }

        /// Digits with something after them, which stays.
        mutating func length(_ bytes: borrowing ByteBuffer) throws(Fault) -> Int? {
            guard let number = try digits(bytes, 9) else { return nil }
            guard number <= UInt64(RELPReader.dataMax) else { throw fault(bytes) }
            return Int(number)
        }

        private mutating func digits(_ bytes: borrowing ByteBuffer, _ digitsMax: Int) throws(Fault) -> UInt64? {
            let start = at
            var value: UInt64 = 0
            while at < bytes.count, 48...57 ~= bytes[at] {
                guard at - start < digitsMax else { throw fault(bytes) }
                value = value * 10 + UInt64(bytes[at] - 48)
                at += 1
            }
            if at >= bytes.count { return nil }
            guard at > start else { throw fault(bytes) }
            return value
        }

        /// Letters and the blank after them.
        mutating func word(_ bytes: borrowing ByteBuffer) throws(Fault) -> String? {
            let start = at
            while at < bytes.count, bytes[at] | 0x20 >= 97, bytes[at] | 0x20 <= 122 {
                guard at - start < 32 else { throw fault(bytes) }
                at += 1
            }
            if at >= bytes.count { return nil }
            guard at > start else { throw fault(bytes) }
            let word = bytes.text(start..<at)
            try expect(UInt8(ascii: " "), bytes)
            return word
        }

        mutating func expect(_ byte: UInt8, _ bytes: borrowing ByteBuffer) throws(Fault) {
            guard bytes[at] == byte else { throw fault(bytes) }
            at += 1
        }

        private func fault(_ bytes: borrowing ByteBuffer) -> Fault {
            Fault(said: RELPReader.shown(bytes.text(0..<min(bytes.count, 80))))
        }
    }
}
