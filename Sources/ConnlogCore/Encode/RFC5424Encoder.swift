public import ConnlogSystem

/// Writes events as syslog messages of RFC 5424.
///
///     <134>1 2025-07-10T10:14:38.942776Z coder-1 coder 4711 CONN_OPEN [connlog@32473 eid="..." ev="connected" ...] ssh ...
///      │     │                           │       │     │    │         │                                          └ MSG
///      │     │                           │       │     │    │         └ what happened: see `StructuredData`
///      │     │                           │       │     │    └ CONN_OPEN, CONN_CLOSE (agent sessions), CONN_WEB, CONN_TUNNEL
///      │     │                           │       │     └ the pid of connlog; a new one says that it was started again
///      │     │                           │       └ app_name
///      │     │                           └ hostname
///      │     └ the event's time, else the line's, UTC, six digits of the fraction; `-` without either
///      └ facility × 8 + severity: 6; 5 for a web or tunnel event with code 401 or 403; 4 for a code from 500 and for a
///        session that ended with a code other than 0 and a reason
///
/// A message is never longer than `bytesMax`. What does not fit goes in this order: the `origin` and `meta` elements,
/// names, whole parameters from the tail, and then the end of the free text, cut between two characters. Whatever was cut
/// or dropped, `trunc="1"` is the last parameter, and `truncations` counts the message.
public struct RFC5424Encoder: EventEncoder, Sendable {
    /// How many messages had to be cut.
    public internal(set) var truncations: UInt64 = 0

    let options: RFC5424Options
    let bytesMax: Int
    // The parts that are the same in every message.
    private let starts: (warning: [UInt8], notice: [UInt8], informational: [UInt8])
    let sender: [UInt8]
    let elementStart: [UInt8]
    private let origin: [UInt8]

    private let names: BoxedNames?
    /// Writes messages in a format that says everything itself.
    private var formatted: SIEMEncoder?
    /// The present event's, as parameters.
    private var nameParameters = ByteBuffer()

    private var scanner = EventScanner()
    private var text = SyslogTextWriter()
    private var messageScratch = ByteBuffer()
    private var sequence: UInt64 = 0

    /// The longest header, element name, `meta`, `origin` and words of a sentence, with room to spare.
    private static let overheadMax =
        1024 + StructuredData.overheadMax + Sentence.wordsMax + SyslogTextWriter.slack
    /// A record's byte may stand in a parameter and in a sentence, or, as JSON, as `\u007f`.
    private static let growthMax = SyslogTextWriter.growthMax + 6

    /// - Parameters:
    ///   - options: what stands in every message, and how large one may be.
    ///   - names: adds `user_name`, `owner_name` and `org_name` after the other parameters, where it knows them.
    public init(_ options: RFC5424Options, names: (any Names)? = nil) {
        self.options = options
        formatted = options.message.format.map { SIEMEncoder($0, hostname: options.hostname, names: names) }
        self.names = formatted == nil ? names.map { BoxedNames($0) } : nil
        bytesMax = max(options.bytesMax, RFC5424Options.bytesMin)
        starts = (
            RFC5424Encoder.start(options, .warning), RFC5424Encoder.start(options, .notice),
            RFC5424Encoder.start(options, .informational)
        )
        // RFC 5424 §6: the longest HOSTNAME has 255 characters, the longest APP-NAME 48.
        sender =
            Array(" ".utf8) + RFC5424Options.headerField(options.hostname, 255) + Array(" ".utf8)
            + RFC5424Options.headerField(options.appName, 48) + Array(" \(options.pid) ".utf8)
        elementStart = Array("[\(options.structuredDataID)".utf8)
        origin =
            options.originVersion.map {
                Array("[origin software=\"connlog\" swVersion=\"".utf8) + RFC5424Encoder.version($0) + Array("\"]".utf8)
            } ?? []
    }

    private static func start(_ options: RFC5424Options, _ severity: Severity) -> [UInt8] {
        Array("<\(options.facility.rawValue * 8 + severity.rawValue)>1 ".utf8)
    }

    /// At most 32 characters (RFC 5424 §7.2.4), none that would need an escape.
    private static func version(_ text: String) -> [UInt8] {
        RFC5424Options.headerField(text, 32).filter { !Array("\"\\]".utf8).contains($0) }
    }

    /// Appends the record, encoded, without a line end: see `EventEncoder`.
    /// - Returns: `false`, and nothing is appended, for a record that is no event.
    public mutating func append(_ record: Span<UInt8>, to output: inout ByteBuffer) -> Bool {
        var fields = EventFields()
        guard scanner.takes(record, into: &fields) else { return appendAudit(record, to: &output) }
        return append(record, fields.index, to: &output)
    }

    /// The same for a record whose fields are known already.
    public mutating func append(_ record: Span<UInt8>, _ index: EventIndex, to output: inout ByteBuffer) -> Bool {
        let start = output.count
        if options.addsSequence { sequence = sequence % 0x7fff_ffff + 1 }
        let sentence = Sentence(
            type: index.connectionType(in: record), status: index.status(in: record), code: index.code(in: record))
        var messageStart = 0
        var isASCII: Bool?
        if let names { gatherNames(names, index, record) }
        let room =
            RFC5424Encoder.overheadMax + elementStart.count + nameParameters.count
            + record.count * RFC5424Encoder.growthMax
        output.withWriter(reserving: room) { writer in
            header(sentence, index, record, &writer)
            structuredData(index, record, &writer)
            messageStart = writer.count
            isASCII = message(sentence, index, record, &writer)
        }
        if formatted != nil { _ = formatted?.append(record, index, to: &output) }
        messageStart += start
        if needsMark(isASCII ?? output.isASCII(messageStart..<output.count)) { insertMark(&output, messageStart) }
        if output.count - start > bytesMax { trim(&output, start, messageStart, sentence, index, record) }
        return true
    }

    // MARK: The parts of a message

    // Parts that change nothing are `mutating` too where a closure calls them: for the others it would copy all of `self`.

    private mutating func header(
        _ sentence: Sentence, _ index: EventIndex, _ record: Span<UInt8>, _ writer: inout ByteWriter
    ) {
        switch sentence.severity(index, record) {
        case .warning: writer.append(starts.warning.span)
        case .notice: writer.append(starts.notice.span)
        default: writer.append(starts.informational.span)
        }
        time(index, record, &writer)
        writer.append(sender.span)
        writer.append(messageID(sentence))
        writer.append(UInt8(ascii: " "))
    }

    /// RFC 5424 §6.2.3 allows six digits of a second's fraction.
    private func time(_ index: EventIndex, _ record: Span<UInt8>, _ writer: inout ByteWriter) {
        if let text = index.value(.time, in: record), !text.hasEscapes,
            EventTime.copyMicroseconds(record, text.range, into: &writer)
        {
            return
        }
        if let time = index.time(in: record) ?? index.entryTime(in: record) {
            EventTime.write(time, .digits(6), into: &writer)
        } else {
            writer.append(UInt8(ascii: "-"))
        }
    }

    private func messageID(_ sentence: Sentence) -> StaticString {
        switch (sentence.type, sentence.status) {
        case (.tunnel, _): "CONN_TUNNEL"
        case (.workspaceApp, _), (.portForwarding, _): "CONN_WEB"
        case (_, .connected): "CONN_OPEN"
        case (_, .disconnected): "CONN_CLOSE"
        case (_, nil): "-"
        }
    }

    private mutating func structuredData(
        _ index: EventIndex, _ record: Span<UInt8>, _ writer: inout ByteWriter
    ) {
        if formatted != nil { return elements(&writer) }
        writer.append(elementStart.span)
        StructuredData.writeAll(index, record, &text, into: &writer)
        if !nameParameters.isEmpty { writer.append(nameParameters.span) }
        writer.append(UInt8(ascii: "]"))
        if options.addsSequence { meta(&writer) }
        writer.append(origin.span)
    }

    /// No element of ours beside a message that says everything.
    private mutating func elements(_ writer: inout ByteWriter) {
        if options.addsSequence { meta(&writer) }
        writer.append(origin.span)
        if !options.addsSequence, origin.isEmpty { writer.append(UInt8(ascii: "-")) }
    }

    @inline(never)
    private mutating func gatherNames(_ names: BoxedNames, _ index: EventIndex, _ record: Span<UInt8>) {
        let found = EventNames(of: record, index, from: names.names)
        nameParameters.removeAll()
        gather(" user_name=\"", found.user)
        gather(" owner_name=\"", found.workspaceOwner)
        gather(" org_name=\"", found.organization)
    }

    private mutating func gather(_ opening: StaticString, _ name: String?) {
        guard let name, !name.isEmpty else { return }
        let bytes = Array(name.utf8)
        nameParameters.withWriter(reserving: 32 + bytes.count * SyslogTextWriter.growthMax + SyslogTextWriter.slack) {
            $0.append(opening)
            SyslogTextWriter.append(bytes.span, 0..<bytes.count, in: .parameter, to: &$0)
            $0.append(UInt8(ascii: "\""))
        }
    }

    private mutating func meta(_ writer: inout ByteWriter) {
        writer.append("[meta sequenceId=\"")
        writer.appendDecimal(sequence)
        writer.append("\"]")
    }

    /// The blank before it and the free text.
    /// - Returns: whether it is ASCII, if that is known.
    private mutating func message(
        _ sentence: Sentence, _ index: EventIndex, _ record: Span<UInt8>, _ writer: inout ByteWriter
    ) -> Bool? {
        switch options.message {
        case .none: return true
        case .sentence:
            writer.append(UInt8(ascii: " "))
            sentence.write(index, record, &text, into: &writer)
            return nil
        case .json:
            writer.append(UInt8(ascii: " "))
            return SyslogTextWriter.appendJSON(record, to: &writer)
        case .cef, .leef, .ecs, .ocsf:
            // The rest is the format's. It must begin the message, so nothing asks for a mark before it.
            writer.append(UInt8(ascii: " "))
            return true
        }
    }

    // MARK: The byte order mark

    private func needsMark(_ isASCII: Bool) -> Bool {
        guard options.message != .none else { return false }
        switch options.byteOrderMark {
        case .always: return true
        case .never: return false
        case .auto: return !isASCII
        }
    }

    private mutating func insertMark(_ output: inout ByteBuffer, _ messageStart: Int) {
        messageScratch.removeAll()
        messageScratch.append(output.span((messageStart + 1)..<output.count))
        output.truncate(to: messageStart + 1)
        output.append(contentsOf: RFC5424Encoder.byteOrderMark)
        output.append(messageScratch.span)
    }

    private static let byteOrderMark: [UInt8] = [0xef, 0xbb, 0xbf]

    // MARK: Messages that are too long

    private static let truncationMark: StaticString = " trunc=\"1\"]"

    /// Writes the message once more, with no more than fits.
    private mutating func trim(
        _ output: inout ByteBuffer, _ start: Int, _ messageStart: Int, _ sentence: Sentence, _ index: EventIndex,
        _ record: Span<UInt8>
    ) {
        truncations += 1
        messageScratch.removeAll()
        if messageStart < output.count { messageScratch.append(output.span((messageStart + 1)..<output.count)) }
        output.truncate(to: start)
        output.withWriter(reserving: RFC5424Encoder.overheadMax + elementStart.count) { writer in
            header(sentence, index, record, &writer)
            writer.append(elementStart.span)
        }
        if formatted == nil { trimmedParameters(&output, start, index, record) }
        output.withWriter(reserving: 16) { $0.append(RFC5424Encoder.truncationMark) }
        trimmedElements(&output, start)
        let room = bytesMax - (output.count - start) - 1
        let length = cutLength(room)
        if length > 0 {
            output.append(UInt8(ascii: " "))
            output.append(messageScratch.span(0..<length))
        }
    }

    /// Parameters as long as they fit; the first that does not ends it.
    private mutating func trimmedParameters(
        _ output: inout ByteBuffer, _ start: Int, _ index: EventIndex, _ record: Span<UInt8>
    ) {
        let end = start + bytesMax - RFC5424Encoder.truncationMark.utf8CodeUnitCount
        let room = StructuredData.overheadMax + SyslogTextWriter.slack + record.count * SyslogTextWriter.growthMax
        for number in 0..<StructuredData.parameterCount {
            let fitting = output.count
            output.withWriter(reserving: room) { StructuredData.write(number, index, record, &text, into: &$0) }
            if output.count > end { return output.truncate(to: fitting) }
        }
    }

    private mutating func trimmedElements(_ output: inout ByteBuffer, _ start: Int) {
        let fitting = output.count
        if options.addsSequence { output.withWriter(reserving: 64) { meta(&$0) } }
        if output.count - start > bytesMax { return output.truncate(to: fitting) }
        if output.count - start + origin.count <= bytesMax { output.append(origin.span) }
    }

    /// How much of the free text goes into `room`: to the last whole character, nothing if only the mark would fit.
    private func cutLength(_ room: Int) -> Int {
        var length = min(max(room, 0), messageScratch.count)
        if length < messageScratch.count {
            while length > 0, messageScratch[length] & 0xc0 == 0x80 { length -= 1 }
            if let formatted { length = formatted.format.wholeLength(messageScratch.span, cutTo: length) }
        }
        let hasMark = messageScratch.count >= 3 && messageScratch[0] == 0xef && messageScratch[1] == 0xbb
        return hasMark && length <= 3 ? 0 : length
    }
}

/// Names behind a reference: with the existential itself in it, an encoder is copied whole where a part of it is used, which
/// costs every message 800 instructions, names or not.
final class BoxedNames: Sendable {
    let names: any Names

    init(_ names: any Names) { self.names = names }
}
