@testable import ConnlogCore
@testable import ConnlogSystem

/// Lines of slog's human sink: whatever event is read from them is JSON, and is read again when it is written as such
/// a line by our own encoder.
enum HumanTarget {
    static func check(_ bytes: [UInt8]) throws(Finding) {
        let head = Array("2025-07-03 06:57:16.157 [info]  coderd: connection_log  ID=a  ".utf8)
        for text in [bytes, head + bytes + [0x0a]] {
            let first = try Decoded(text, .slogHuman, .none, 1 << 20, piece: text.count)
            for record in first.records { try check(record: record) }
        }
    }

    private static func check(record: [UInt8]) throws(Finding) {
        try expect(SlowJSON.accepts(record), "a record that is no JSON: \(String(decoding: record, as: UTF8.self))")
        // What is lost on the way out is lost once: a second time changes nothing.
        var rounds = [record, try again(record)]
        repeat {
            rounds.append(try again(rounds[rounds.count - 1]))
            if rounds[rounds.count - 1] == rounds[rounds.count - 2] { return }
            // The first value of several lines becomes the block, which comes last and has no blanks around it. So where
            // there are several, another one is the first each time.
        } while rounds.count < 10 && members(rounds[rounds.count - 1]) != members(rounds[rounds.count - 2])
        try expect(
            rounds.count < 10,
            "read, written, read, and so on: \(rounds.map { String(decoding: $0, as: UTF8.self) })")
    }

    /// What stands in front of the fields, and each field, in the order of their bytes.
    private static func members(_ record: [UInt8]) -> [[UInt8]] {
        var scanner = EventScanner()
        var index = EventFields()
        guard scanner.scan(record.span, into: &index) == .connectionLog else { return [record] }
        let fields = index[.fields].range
        var members = JSONMembers(record.span, fields)
        var found: [[UInt8]] = []
        while let member = members.next() {
            found.append(Array(record[member.key.lowerBound..<member.value.range.upperBound]))
        }
        return [Array(record[..<fields.lowerBound])] + found.sorted { $0.lexicographicallyPrecedes($1) }
    }

    /// The record written as a human line and read.
    private static func again(_ record: [UInt8]) throws(Finding) -> [UInt8] {
        var encoder = HumanEncoder()
        var line = ByteBuffer()
        try expect(encoder.append(record.span, to: &line), "not an event: \(String(decoding: record, as: UTF8.self))")
        let read = try Decoded(line.array + [0x0a], .slogHuman, .none, 1 << 20, piece: .max)
        try expect(read.records.count == 1, "\(read.records.count) events are read from: \(line.text)")
        return read.records[0]
    }
}
