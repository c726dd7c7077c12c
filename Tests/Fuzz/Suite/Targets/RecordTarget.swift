@testable import ConnlogSystem

@testable import ConnlogCore

/// A line on its way into the queue and out of it, or a payload that the queue may hold: what goes in comes out with the
/// same fields, and what no version has written is refused or gives a line of the length it says.
enum RecordTarget {
    static func check(_ bytes: [UInt8]) throws(Finding) {
        var choices = Choices(bytes)
        let isLine = choices.byte() % 2 == 0
        if isLine { try line(choices.remaining) } else { try payload(choices.remaining) }
    }

    private static func line(_ bytes: [UInt8]) throws(Finding) {
        var lines = EventBatch()
        lines.append(bytes.span)
        var codec = RecordCodec()
        var payloads = EventBatch()
        codec.encode(lines, into: &payloads)
        var decoded = EventBatch()
        try expect(codec.decode(payloads, into: &decoded).isEmpty, "what was packed is not unpacked")
        try expect(decoded.bytes.array == bytes + [0x0a], "another line comes out")
        guard decoded.hasNote(0) else { return }
        var scanner = EventScanner()
        var index = EventFields()
        try expect(scanner.scanAny(bytes.span, &index) == .connectionLog, "fields of what is no event")
        let known = EventIndex(decoded.note(0))
        for field in Field.allCases { try expect(known[field] == index[field], "\(field) is said to be elsewhere") }
    }

    private static func payload(_ bytes: [UInt8]) throws(Finding) {
        guard let line = RecordCodec().decode(bytes.span) else { return }
        try expect(line.count == RecordCodec.lineBytes(bytes.span), "a line of \(line.count) bytes")
    }
}
