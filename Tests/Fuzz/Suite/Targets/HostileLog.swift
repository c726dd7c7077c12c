@testable import ConnlogCore
@testable import ConnlogSystem

/// A log as coderd and those who carry it write it, with text of somebody who would like to write events himself in every
/// place where others' text can get: values, blocks, messages, objects in values.
///
/// It is written from the rules of the formats and knows nothing of how connlog reads. So what it wrote is what has to be
/// found: `events`, in order, and none whose id is `forged`.
struct HostileLog {
    private(set) var bytes: [UInt8] = []
    /// The ids of the events that coderd wrote.
    private(set) var events: [String] = []
    private var choices: Choices
    private let prefix: [UInt8]
    private let container: Container
    /// How many bytes of a line a container's runtime writes at once.
    private let part: Int

    /// Whether a container's runtime has written it.
    var isWrapped: Bool { container != .none }

    private enum Container: Equatable {
        case none, cri, docker
        case record(Shipper)
    }

    /// Text that stands in other fields of each record, the same in all.
    private var aside: [UInt8] = []

    static let human =
        "2025-07-03 06:57:16.157 [info]  coderd: connection_log  ID=forged  Type=ssh  ConnectionStatus=connected"
    static let json =
        #"{"ts":"2025-07-03T06:57:16.157Z","level":"INFO","msg":"connection_log","fields":{"ID":"forged","Type":"ssh","ConnectionStatus":"connected"}}"#
    private static let time = "2025-07-03T06:57:16.157000000Z"

    private static let prefixes = [
        "", "", "", "", "[API] ", "[pod/coder-0/coder] ", "coder-1  | ", "2026-09-08T01:19:09.357Z ",
        "coder-1  | 2026-09-08T01:19:09.357Z ", "Nov 29 13:24:15 host coder[812]: ",
        "2026-11-29T13:24:15.634625+00:00 host coder[812]: ", "<13>1 2026-11-29T13:24:15+00:00 host coder 812 - - ",
        "<14>",
    ].map { Array($0.utf8) }

    /// What somebody may write.
    private static let scraps: [[UInt8]] =
        [
            human, human + " ...\n    r= x", json, "\n", "\r", "\n\n", "\r\n", "    ", " ", "\0", "\u{feff}",
            "\u{1b}[0m", "\u{1b}[",
            "\u{1b}", "#033[36m", "#012", "\"", "\\", "\\\"", "\\n", "}", "}}", "{", "]", ",", ":", " ...", "a=b  ",
            "connection_log",
            "\(time) stderr F ", "\(time) stdout P ", "[API] ", "coder-1  | ", "Nov 29 13:24:15 host coder[812]: ",
            "<14>", "é", "\u{2028}",
            #"{"log":"\#(human)\n","stream":"stderr","time":"\#(time)"}"#, #"{"ts":"#, #"{\"ts\":"#,
            #""},"msg":"connection_log","#,
        ].map { Array($0.utf8) } + [
            [0xff], [0xc3], [0xe2, 0x80], Array(repeating: 0x78, count: 40), Array(json.utf8) + [0x0a],
        ]

    init(_ bytes: [UInt8]) {
        choices = Choices(bytes)
        prefix = HostileLog.prefixes[choices.byte() % HostileLog.prefixes.count]
        let shippers = Shipper.allCases.map { Container.record($0) }
        let containers = [Container.none, .none, .none, .cri, .cri, .docker, .docker] + shippers
        container = containers[choices.byte() % containers.count]
        part = 20 + choices.byte()
        aside = HostileLog.escaped(text())
        for _ in 0..<(1 + choices.byte() % 6) { entry() }
    }

    // MARK: Entries

    private mutating func entry() {
        let isEvent = choices.byte() % 3 == 0
        let id = "honest-\(events.count)"
        if isEvent { events.append(id) }
        let text = text()
        switch choices.byte() % 4 {
        case 0: line(json(isEvent ? id : nil, text))
        case 1 where !isEvent: line(message(text))
        case 2 where !isEvent: line(stackdriver(text))
        default:
            var lines = human(isEvent ? id : nil, text)[...]
            while let next = lines.popFirst() { line(next) }
        }
    }

    /// Up to eight scraps, and now and then exactly so much that what follows begins a part.
    private mutating func text() -> [UInt8] {
        var text: [UInt8] = []
        for _ in 0..<(1 + choices.byte() % 8) {
            let choice = choices.byte()
            if choice > 240 {
                text += Array(repeating: 0x79, count: choices.byte())
            } else {
                text += HostileLog.scraps[choice % HostileLog.scraps.count]
            }
        }
        return text
    }

    /// The JSON sink: text is escaped, an object in a value stands as it is.
    private mutating func json(_ id: String?, _ text: [UInt8]) -> [UInt8] {
        let head = #"{"ts":"2025-07-03T06:57:16.157Z","level":"INFO","msg":"#
        // Who can choose a whole message is coderd.
        let escaped = HostileLog.escaped(text)
        guard let id else {
            let fields: [UInt8]
            switch choices.byte() % 3 {
            case 0: fields = Array(#"{"payload":"#.utf8) + Array(HostileLog.json.utf8) + Array("}".utf8)
            case 1:
                fields =
                    Array(#"{"list":["#.utf8) + Array("\(HostileLog.json),\(HostileLog.json)".utf8)
                    + Array(#"],"text":""#.utf8)
                    + escaped + Array("\"}".utf8)
            default: fields = Array(#"{"connection_log":""#.utf8) + escaped + Array("\"}".utf8)
            }
            return Array((head + "\"said ").utf8) + escaped + Array(#"","fields":"#.utf8) + fields + Array("}".utf8)
        }
        let start = head + #""connection_log","fields":{"ID":"\#(id)","UserAgent":""#
        return Array(start.utf8) + escaped + Array(#"","ConnectionStatus":"connected"}}"#.utf8)
    }

    private func stackdriver(_ text: [UInt8]) -> [UInt8] {
        Array(#"{"severity":"INFO","message":"said "#.utf8) + HostileLog.escaped(text)
            + Array(#"","timestampSeconds":1751519381,"log":""#.utf8) + HostileLog.escaped(text)
            + Array(#"\n","stream":"stderr","time":"2025-07-03T06:57:16Z"}"#.utf8)
    }

    /// A message of one line, which the human sink writes as it is.
    private func message(_ text: [UInt8]) -> [UInt8] {
        Array("2025-07-03 06:57:16.157 [info]  coderd: said ".utf8) + text.map { $0 == 0x0a ? 0x20 : $0 }
    }

    /// The human sink: quoted on the first line, or a block.
    private mutating func human(_ id: String?, _ text: [UInt8]) -> [[UInt8]] {
        let start =
            "2025-07-03 06:57:16.157 [info]  coderd: " + (id.map { "connection_log  ID=\($0)" } ?? "other  ID=forged")
        let tail = Array("  ConnectionStatus=connected".utf8)
        guard text.contains(0x0a) else {
            return [Array((start + "  UserAgent=").utf8) + HostileLog.quoted(text) + tail]
        }
        var lines = [Array(start.utf8) + tail + Array(" ...".utf8)]
        for (number, line) in text.split(separator: 0x0a, omittingEmptySubsequences: false).enumerated() {
            let indent = number == 0 ? "    reason= " : line.isEmpty ? "" : "            "
            lines.append(Array(indent.utf8) + line)
        }
        return lines
    }

    // MARK: On the way

    private mutating func line(_ line: [UInt8]) {
        let text = prefix + line
        switch container {
        case .none: bytes += text + [0x0a]
        case .cri, .docker: write(text, "stderr")
        case .record(let shipper):
            var rest = text[...]
            repeat {
                let piece = shipper.splits ? rest.prefix(part) : rest
                rest = rest.dropFirst(piece.count)
                let escaped = HostileLog.escaped(Array(piece))
                bytes += shipper.record(escaped, aside, isLast: rest.isEmpty) + [0x0a]
            } while !rest.isEmpty
        }
    }

    private mutating func write(_ text: [UInt8], _ stream: String) {
        var rest = text[...]
        repeat {
            let piece = rest.prefix(part)
            rest = rest.dropFirst(part)
            if container == .cri {
                bytes += Array("\(HostileLog.time) \(stream) \(rest.isEmpty ? "F" : "P") ".utf8) + piece + [0x0a]
            } else {
                let end = rest.isEmpty ? #"\n","# : #"","#
                bytes += Array(#"{"log":""#.utf8) + HostileLog.escaped(Array(piece))
                bytes += Array((end + #""stream":"\#(stream)","time":"\#(HostileLog.time)"}"# + "\n").utf8)
            }
        } while !rest.isEmpty
    }

    // MARK: Text

    private static func escaped(_ text: [UInt8]) -> [UInt8] {
        var out = ByteBuffer()
        JSONText.escape(text.span, 0..<text.count, into: &out)
        return out.array
    }

    /// Go's `strconv.Quote`, where it matters.
    private static func quoted(_ text: [UInt8]) -> [UInt8] {
        var out: [UInt8] = [0x22]
        for byte in text {
            switch byte {
            case 0x22, 0x5c: out += [0x5c, byte]
            case 0..<0x20, 0x7f...:
                let digits = String(byte, radix: 16)
                out += Array(("\\x" + (digits.count < 2 ? "0" : "") + digits).utf8)
            default: out.append(byte)
            }
        }
        return out + [0x22]
    }
}

/// No text of somebody else becomes an event, and no event of coderd's is lost for it.
enum ForgeryTarget {
    static func check(_ bytes: [UInt8]) throws(Finding) {
        let log = HostileLog(bytes)
        let found = try ids(log.bytes, 1 << 20, piece: log.bytes.count)
        try expect(
            found == log.events, "\(found) and not \(log.events) in \(String(decoding: log.bytes, as: UTF8.self))")
        // Cut anywhere: reads, and a line that is too long.
        let cut = try ids(log.bytes, 1 << 20, piece: 1 + bytes.count % 97)
        try expect(cut == log.events, "in pieces \(cut) in \(String(decoding: log.bytes, as: UTF8.self))")
        for maxLine in [300, 60 + 2 * (bytes.first.map(Int.init) ?? 0)] { try isHonest(log.bytes, maxLine) }
        // A writer stopped in the middle of a line, and went on with the next.
        for tear in bytes.suffix(4).map(Int.init) {
            let kept = bytes.first.map(Int.init) ?? 0
            try isHonest(torn(log.bytes, tear, kept: kept, []), 1 << 20)
            // A power cut leaves a hole. A line feed is left by nobody who wraps lines, and nothing would tell a part that was
            // torn from a shorter one.
            let hole: [UInt8] = log.isWrapped || tear % 2 == 0 ? [0, 0, 0] : [0x0a]
            try isHonest(torn(log.bytes, tear + 1, kept: kept, hole), 1 << 20)
        }
    }

    /// The log with the end of a line gone, and `hole` in its place.
    /// - Parameter kept: how much is left of the line, in 256ths. Something is: a part that is gone without a trace is missed
    ///   by nobody.
    private static func torn(_ log: [UInt8], _ tear: Int, kept: Int, _ hole: [UInt8]) -> [UInt8] {
        var lines = log.split(separator: 0x0a, omittingEmptySubsequences: false)
        let number = tear % lines.count
        if lines[number].isEmpty { return log }
        let length = max(1, lines[number].count * ((kept + 37 * tear) % 256) / 256)
        let next = number + 1 < lines.count ? lines.remove(at: number + 1) : []
        lines[number] = lines[number].prefix(length) + hole + next
        return Array(lines.joined(separator: [0x0a]))
    }

    private static func isHonest(_ text: [UInt8], _ maxLine: Int) throws(Finding) {
        let found = try ids(text, maxLine, piece: text.count)
        try expect(!found.contains("forged"), "a forged event in \(String(decoding: text, as: UTF8.self))")
    }

    private static func ids(_ text: [UInt8], _ maxLine: Int, piece: Int) throws(Finding) -> [String] {
        let decoded = try Decoded(text, .auto, .auto, maxLine, piece: piece)
        var scanner = EventScanner()
        var fields = EventFields()
        return decoded.records.map { record in
            guard scanner.scan(record.span, into: &fields) == .connectionLog else { return "no event" }
            return fields.index.string(.id, record.span) ?? "no id"
        }
    }
}
