internal import ConnlogSystem

/// The lines of an envelope that lists them, one after another, each in an envelope of its own: with what stood around it
/// as far as the decoder asks for it.
///
/// What is repeated for each line is short, and what is no line as its service writes it is a line that the decoder
/// refuses.
package struct EnvelopeRecords: Sendable {
    private enum Kind { case cloudWatch, loki, otlp }

    private struct Level {
        var at: Int
        let end: Int
    }

    private let kind: Kind
    /// Lists that are not read to their end, outermost first.
    private var levels: [Level]
    private var head: [UInt8] = []

    /// So much of names and labels is repeated for each line, at most.
    package static let headBytesMax = 4096

    init?(_ document: Span<UInt8>, _ whole: FieldRange) {
        func list(_ name: String) -> FieldRange? {
            guard let found = JSONMembers.find(document, whole, [name]), found.kind == .array else { return nil }
            return found
        }
        let array: FieldRange
        if let resources = list("resourceLogs") {
            (kind, array) = (.otlp, resources)
        } else if let streams = list("streams"), EnvelopeRecords.isLoki(document, streams) {
            (kind, array) = (.loki, streams)
        } else if let events = list("logEvents"),
            let head = EnvelopeRecords.cloudWatchHead(document, whole)
        {
            (kind, array, self.head) = (.cloudWatch, events, head)
        } else {
            return nil
        }
        levels = [Level(at: array.range.lowerBound + 1, end: array.range.upperBound)]
    }

    /// Appends the next line with its line feed.
    /// - Parameter document: the one it was made of.
    /// - Returns: `false` when there is none any more.
    package mutating func next(_ document: Span<UInt8>, into lines: inout [UInt8]) -> Bool {
        while let level = levels.last {
            var elements = JSONElements(document, level.at - 1..<level.end)
            guard let element = elements.next() else {
                levels.removeLast()
                continue
            }
            levels[levels.count - 1].at = elements.position
            if levels.count == depth {
                write(element, document, &lines)
                return true
            }
            guard let inner = enter(element, document) else {
                lines += BodyValues.broken(document.extracting(element.whole))
                return true
            }
            levels.append(Level(at: inner.range.lowerBound + 1, end: inner.range.upperBound))
        }
        return false
    }

    private var depth: Int {
        switch kind {
        case .cloudWatch: 1
        case .loki: 2
        case .otlp: 3
        }
    }

    private var tail: String {
        switch kind {
        case .cloudWatch: "]}\n"
        case .loki: "]}]}\n"
        case .otlp: "]}]}]}\n"
        }
    }

    private func write(_ element: FieldRange, _ document: Span<UInt8>, _ lines: inout [UInt8]) {
        let isLine = kind == .loki ? EnvelopeRecords.isPair(document, element) : element.kind == .object
        guard isLine else {
            lines += BodyValues.broken(document.extracting(element.whole))
            return
        }
        lines += head
        EnvelopeRecords.append(document, element.whole, to: &lines)
        lines += tail.utf8
    }

    /// The list inside of an element; `nil` if the element is not as it should be.
    private mutating func enter(_ element: FieldRange, _ document: Span<UInt8>) -> FieldRange? {
        guard element.kind == .object else { return nil }
        let name: String
        switch (kind, levels.count) {
        case (.loki, _):
            guard let labels = JSONMembers.find(document, element, ["stream"]), labels.kind == .object else {
                return nil
            }
            head = Array("{\"streams\":[{\"stream\":".utf8)
            EnvelopeRecords.append(document, labels.range, to: &head)
            head += ",\"values\":[".utf8
            name = "values"
        case (.otlp, 1):
            head = Array("{\"resourceLogs\":[{\"resource\":{\"attributes\":[".utf8)
            addAttributes(JSONMembers.find(document, element, ["resource", "attributes"]), document)
            head += "]},\"scopeLogs\":[{\"logRecords\":[".utf8
            name = "scopeLogs"
        default: name = "logRecords"
        }
        guard head.count <= EnvelopeRecords.headBytesMax,
            let inner = JSONMembers.find(document, element, [name]), inner.kind == .array
        else { return nil }
        return inner
    }

    /// Those that say who has written a line.
    private mutating func addAttributes(_ attributes: FieldRange?, _ document: Span<UInt8>) {
        guard let attributes, attributes.kind == .array else { return }
        var isFirst = true
        var elements = JSONElements(document, attributes.range)
        while let attribute = elements.next() {
            guard let key = JSONMembers.find(document, attribute, ["key"]), key.isString,
                RecordReader.resourceAttributes.contains(JSONText.string(document, key.range))
            else { continue }
            if !isFirst { head.append(UInt8(ascii: ",")) }
            isFirst = false
            EnvelopeRecords.append(document, attribute.range, to: &head)
        }
    }

    private static func isLoki(_ document: Span<UInt8>, _ streams: FieldRange) -> Bool {
        var elements = JSONElements(document, streams.range)
        guard let first = elements.next(), first.kind == .object else { return false }
        return JSONMembers.find(document, first, ["stream"])?.kind == .object
            && JSONMembers.find(document, first, ["values"])?.kind == .array
    }

    /// `["ns","line"]`, and perhaps more.
    private static func isPair(_ document: Span<UInt8>, _ element: FieldRange) -> Bool {
        guard element.kind == .array else { return false }
        var pair = JSONElements(document, element.range)
        return pair.next()?.isString == true && pair.next()?.isString == true
    }

    private static func cloudWatchHead(_ document: Span<UInt8>, _ whole: FieldRange) -> [UInt8]? {
        var head = Array("{".utf8)
        for name in ["messageType", "logGroup", "logStream"] {
            guard let value = JSONMembers.find(document, whole, [name]), value.isString else {
                if name == "logStream" { continue }
                return nil
            }
            head += "\"\(name)\":".utf8
            append(document, value.whole, to: &head)
            head.append(UInt8(ascii: ","))
        }
        head += "\"logEvents\":[".utf8
        return head.count <= headBytesMax ? head : nil
    }

    /// Between JSON's tokens a line feed is a blank.
    private static func append(_ document: Span<UInt8>, _ range: Range<Int>, to bytes: inout [UInt8]) {
        bytes.reserveCapacity(bytes.count + range.count)
        for place in range {
            let byte = document[place]
            bytes.append(byte == 0x0a || byte == 0x0d ? 0x20 : byte)
        }
    }
}
