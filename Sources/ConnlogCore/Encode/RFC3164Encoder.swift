public import ConnlogSystem

/// What a message of RFC 3164 has that one of RFC 5424 has not.
public struct RFC3164Options: Sendable, Equatable {
    /// Whose time of day the timestamp is: the format cannot say.
    public enum Zone: String, Sendable, CaseIterable { case local, utc }

    /// In whose time the stamp is.
    public var zone = Zone.local
    /// Messages for a socket of this machine have none (`/dev/log`).
    public var hasHostname = true

    /// Local time, with a host name.
    public init() {}
}

/// Writes events as syslog messages of RFC 3164, for receivers that know no better.
///
///     <134>Jul 10 10:14:38 coder-1 coder[4711]: ssh session to dev (main) opened from fd7a::1 eid=ca5dfc63-...
///      │    │              │      │           └ the sentence and the event's id, or the JSON line as received
///      │    │              │      └ app_name and the pid
///      │    │              └ hostname up to its first dot
///      │    └ the event's time, without year and zone; the present when it has none
///      └ facility × 8 + severity, as for RFC 5424
///
/// A message is never longer than `bytesMax` (RFC 3164 §4.1: 1024 bytes); what is too long is cut between two
/// characters, and `truncations` counts it. There is no structured data: prefer RFC 5424 wherever it is understood.
public struct RFC3164Encoder: EventEncoder, Sendable {
    /// RFC 3164 §4.1: no packet is longer.
    public static let bytesMax = 1024

    /// How many messages had to be cut.
    public internal(set) var truncations: UInt64 = 0

    let options: RFC5424Options
    private let legacy: RFC3164Options
    let sender: [UInt8]
    /// Writes the content in a format that says everything itself.
    private var formatted: SIEMEncoder?
    private var scanner = EventScanner()
    private var text = SyslogTextWriter()
    private var offset = LocalOffset()

    private static let headMax = 512

    /// - Parameters:
    ///   - options: `structuredDataID`, `byteOrderMark`, `originVersion` and `addsSequence` mean nothing here.
    ///   - legacy: what RFC 5424 does not know.
    ///   - names: adds names where the message is in a format that has keys for them.
    public init(
        _ options: RFC5424Options, _ legacy: RFC3164Options = RFC3164Options(), names: (any Names)? = nil
    ) {
        self.options = options
        formatted = options.message.format.map { SIEMEncoder($0, hostname: options.hostname, names: names) }
        self.legacy = legacy
        // RFC 3164 §4.1.2: the bare name. §4.1.3: a tag is alphanumeric, at most 32 characters.
        let name = options.hostname.prefix { $0 != "." }
        let host = legacy.hasHostname ? RFC5424Options.headerField(String(name), 255) + Array(" ".utf8) : []
        let tag = RFC5424Options.headerField(options.appName, 32).map { RFC3164Encoder.isTag($0) ? $0 : 0x5f }
        sender = host + tag + Array("[\(options.pid)]: ".utf8)
    }

    private static func isTag(_ byte: UInt8) -> Bool {
        48...57 ~= byte || 65...90 ~= byte || 97...122 ~= byte || byte == 0x2d || byte == 0x5f
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
        let sentence = Sentence(
            type: index.connectionType(in: record), status: index.status(in: record), code: index.code(in: record))
        let severity = sentence.severity(index, record)
        let seconds = seconds(index, record)
        var contentStart = start
        let room =
            RFC3164Encoder.headMax + Sentence.wordsMax + 2 * SyslogTextWriter.slack
            + record.count * (2 * SyslogTextWriter.growthMax + 6)
        output.withWriter(reserving: room) { writer in
            writer.append(UInt8(ascii: "<"))
            writer.appendDecimal(UInt64(options.facility.rawValue * 8 + severity.rawValue))
            writer.append(UInt8(ascii: ">"))
            timestamp(seconds, &writer)
            writer.append(UInt8(ascii: " "))
            writer.append(sender.span)
            content(sentence, index, record, &writer)
        }
        if formatted != nil {
            contentStart = output.count
            _ = formatted?.append(record, index, to: &output)
        }
        if output.count - start > options.bytesMax { cut(&output, start, contentStart) }
        return true
    }

    /// Seconds since 1970 on the clock of the zone.
    private mutating func seconds(_ index: EventIndex, _ record: Span<UInt8>) -> Int64 {
        local(index.time(in: record) ?? index.entryTime(in: record) ?? SystemWallTime().now())
    }

    mutating func local(_ time: Nanoseconds) -> Int64 {
        let seconds = time / 1_000_000_000 - (time % 1_000_000_000 < 0 ? 1 : 0)
        return legacy.zone == .utc ? seconds : seconds + offset.seconds(at: seconds)
    }

    private static let months: [StaticString] = [
        "Jan ", "Feb ", "Mar ", "Apr ", "May ", "Jun ", "Jul ", "Aug ", "Sep ", "Oct ", "Nov ", "Dec ",
    ]

    /// `Jul  3 05:09:41`: the day with a blank in front if it has one digit (RFC 3164 §4.1.2).
    func timestamp(_ seconds: Int64, _ writer: inout ByteWriter) {
        let days = seconds / 86_400 - (seconds % 86_400 < 0 ? 1 : 0)
        let second = UInt64(seconds - days * 86_400)
        let date = EventTime.civil(days: days)
        writer.append(RFC3164Encoder.months[date.month - 1])
        if date.day < 10 { writer.append(UInt8(ascii: " ")) }
        writer.appendDecimal(UInt64(date.day))
        writer.append(UInt8(ascii: " "))
        writer.appendDecimal(second / 3600, digits: 2)
        writer.append(UInt8(ascii: ":"))
        writer.appendDecimal(second / 60 % 60, digits: 2)
        writer.append(UInt8(ascii: ":"))
        writer.appendDecimal(second % 60, digits: 2)
    }

    private mutating func content(
        _ sentence: Sentence, _ index: EventIndex, _ record: Span<UInt8>, _ writer: inout ByteWriter
    ) {
        if formatted != nil { return }
        if options.message == .json {
            _ = SyslogTextWriter.appendJSON(record, to: &writer)
            return
        }
        if options.message == .sentence {
            sentence.write(index, record, &text, into: &writer)
            writer.append(UInt8(ascii: " "))
        }
        writer.append("eid=")
        if let id = index.value(.id, in: record) {
            text.append(id, of: record, in: .message, to: &writer)
        } else {
            DerivedEventID.write(record, into: &writer)
        }
    }

    private mutating func cut(_ output: inout ByteBuffer, _ start: Int, _ contentStart: Int) {
        truncations += 1
        var end = start + options.bytesMax
        while end > start, output[end] & 0xc0 == 0x80 { end -= 1 }
        if let formatted, end > contentStart {
            let content = output.span(contentStart..<output.count)
            end = contentStart + formatted.format.wholeLength(content, cutTo: end - contentStart)
        }
        output.truncate(to: end)
    }
}

/// How far local time is from UTC, asked of the system once for each quarter of an hour.
private struct LocalOffset: Sendable {
    private var quarter: Int64?
    private var offset: Int64 = 0

    mutating func seconds(at time: Int64) -> Int64 {
        // No zone changes its offset but at a quarter of an hour.
        let wanted = time / 900
        if wanted != quarter {
            quarter = wanted
            offset = LocalTime.offset(at: time)
        }
        return offset
    }
}
