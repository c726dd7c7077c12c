/// What a service posts at once, with many lines in it:
///
///     Firehose       {"requestId","timestamp","records":[{"data":"<base64, often of gzip>"}]}
///     Pub/Sub        {"message":{"data":"<base64>","messageId"},"subscription"}
///     CloudWatch     {"messageType","logGroup","logStream","logEvents":[{"message"}]}
///     Loki           {"streams":[{"stream":{},"values":[["ns","line"]]}]}
///     OTLP           {"resourceLogs":[{"resource","scopeLogs":[{"logRecords":[…]}]}]}
///
/// The first two hold bytes, which are a body of their own. The others are cut into envelopes of the same shape with one
/// line each, because the decoder takes no line longer than `max_line`, and so that a damaged one is refused by itself.
package enum Envelope {
    case none
    case packed([PackedText])
    case list(EnvelopeRecords)

    /// - Parameter document: an object that has been found to be JSON, from brace to brace.
    package init(_ document: Span<UInt8>) {
        let whole = FieldRange(start: 0, length: document.count, kind: .object)
        // An entry of coderd's is that, whatever else it has.
        guard !RecordMembers(document, 0..<document.count).isEntry else {
            self = .none
            return
        }
        if let texts = Envelope.firehose(document, whole) ?? Envelope.pubSub(document, whole) {
            self = .packed(texts)
        } else if let records = EnvelopeRecords(document, whole) {
            self = .list(records)
        } else {
            self = .none
        }
    }

    static func isOne(_ document: Span<UInt8>) -> Bool {
        if case .none = Envelope(document) { false } else { true }
    }

    /// Where bytes in base64 stand in a document, or what stands in their place.
    package struct PackedText: Equatable, Sendable {
        /// Without its quotes, if it is a text.
        package let range: Range<Int>
        /// `false` for what is no text and so no bytes either: `1234` and `null` have the letters of base64, too.
        package let isText: Bool

        init(_ value: FieldRange) { (range, isText) = (value.range, value.isString) }

        /// Of a record without bytes.
        init(none record: FieldRange) { (range, isText) = (record.whole, false) }
    }

    private static func firehose(_ document: Span<UInt8>, _ whole: FieldRange) -> [PackedText]? {
        guard JSONMembers.find(document, whole, ["requestId"])?.isString == true,
            JSONMembers.find(document, whole, ["timestamp"])?.kind == .number,
            let records = JSONMembers.find(document, whole, ["records"]), records.kind == .array
        else { return nil }
        var texts: [PackedText] = []
        var elements = JSONElements(document, records.range)
        while let element = elements.next() {
            let data = element.kind == .object ? JSONMembers.find(document, element, ["data"]) : nil
            texts.append(data.map { PackedText($0) } ?? PackedText(none: element))
        }
        return texts
    }

    private static func pubSub(_ document: Span<UInt8>, _ whole: FieldRange) -> [PackedText]? {
        guard JSONMembers.find(document, whole, ["subscription"])?.isString == true,
            let message = JSONMembers.find(document, whole, ["message"]), message.kind == .object,
            JSONMembers.find(document, message, ["messageId"])?.isString == true
        else { return nil }
        // A message may have attributes alone.
        return JSONMembers.find(document, message, ["data"]).map { [PackedText($0)] } ?? []
    }

    /// The bytes that stand there; `nil` if it is no text, or no base64.
    package static func bytes(_ document: Span<UInt8>, _ packed: PackedText) -> [UInt8]? {
        packed.isText ? bytes(of: document.extracting(packed.range)) : nil
    }

    /// - Parameter text: a string of JSON without its quotes.
    static func bytes(of text: Span<UInt8>) -> [UInt8]? {
        guard firstIndex(of: UInt8(ascii: "\\"), in: text, 0..<text.count) != nil else { return Base64.bytes(of: text) }
        // Some write a slash as `\/`.
        let plain = JSONText.unescaped(text, 0..<text.count)
        return Base64.bytes(of: plain.span)
    }
}

/// RFC 4648 §4, as strict as it says.
package enum Base64 {
    /// - Returns: `nil` for what is no base64 with its padding.
    package static func bytes(of text: Span<UInt8>) -> [UInt8]? {
        guard text.count % 4 == 0 else { return nil }
        guard text.count > 0 else { return [] }
        let padding = text[text.count - 1] == pad ? text[text.count - 2] == pad ? 2 : 1 : 0
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.count / 4 * 3)
        var bits: UInt32 = 0
        for place in 0..<(text.count - padding) {
            guard let value = value(text[place]) else { return nil }
            bits = bits << 6 | value
            guard place % 4 == 3 else { continue }
            for shift in [16, 8, 0] as [UInt32] { bytes.append(UInt8(truncatingIfNeeded: bits >> shift)) }
            bits = 0
        }
        switch padding {
        case 1:
            // Of the last bits that are left none is set.
            guard bits & 3 == 0 else { return nil }
            bytes.append(UInt8(truncatingIfNeeded: bits >> 10))
            bytes.append(UInt8(truncatingIfNeeded: bits >> 2))
        case 2:
            guard bits & 15 == 0 else { return nil }
            bytes.append(UInt8(truncatingIfNeeded: bits >> 4))
        default: break
        }
        return bytes
    }

    private static let pad = UInt8(ascii: "=")

    private static func value(_ byte: UInt8) -> UInt32? {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): UInt32(byte) - 65
        case UInt8(ascii: "a")...UInt8(ascii: "z"): UInt32(byte) - 97 + 26
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(byte) - 48 + 52
        case UInt8(ascii: "+"): 62
        case UInt8(ascii: "/"): 63
        default: nil
        }
    }
}
