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
