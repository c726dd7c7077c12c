internal import ConnlogSystem

/// The keys of wrapped records that mean something to somebody.
enum RecordKey: Int, CaseIterable, Sendable {
    // An entry of coderd's own.
    case msg, ts, level, timestampSeconds
    // Docker, Fluentd, Fluent Bit.
    case log, stream, time, attrs, source, containerID, containerName
    case partialMessage, partialID, partialOrdinal, partialLast
    case logtag, logtagShort, message, date, kubernetes, logProcessed
    // Vector, Filebeat, what lies in Elasticsearch.
    case timestamp, sourceType, isPartial, file, host
    case atTimestamp, agent, ecs, input, json, container, sourceDocument, documentIndex, documentID, hits
    // CloudWatch.
    case messageType, owner, logGroup, logStream, logEvents, events, ingestionTime, eventID, logStreamName
    // Cloud Logging.
    case logName, resource, textPayload, jsonPayload, split
    // Datadog.
    case service, status, tags, attributes, ddsource, ddtags, hostname
    // OTLP, Loki, Splunk.
    case resourceLogs, data, streams, labels, line, preview, offset, result, results, raw
    case event, sourcetype, index
    // journald.
    case journalMessage, realtime, cursor, bootID, transport, unit, streamID, lineBreak
    case journalContainer, journalContainerID, journalPartial, priority
    // stern.
    case podName, sternContainer, namespace, pod

    /// As shippers write them; journald's own in lower case too, as Fluent Bit may be told to.
    var names: [String] {
        switch self {
        case .msg: ["msg"]
        case .ts: ["ts"]
        case .level: ["level"]
        case .timestampSeconds: ["timestampSeconds"]
        case .log: ["log"]
        case .stream: ["stream"]
        case .time: ["time"]
        case .attrs: ["attrs"]
        case .source: ["source"]
        case .containerID: ["container_id"]
        case .containerName: ["container_name"]
        case .partialMessage: ["partial_message"]
        case .partialID: ["partial_id"]
        case .partialOrdinal: ["partial_ordinal"]
        case .partialLast: ["partial_last"]
        case .logtag: ["logtag"]
        case .logtagShort: ["_p"]
        case .message: ["message"]
        case .date: ["date"]
        case .kubernetes: ["kubernetes"]
        case .logProcessed: ["log_processed"]
        case .timestamp: ["timestamp"]
        case .sourceType: ["source_type"]
        case .isPartial: ["_partial"]
        case .file: ["file"]
        case .host: ["host"]
        case .atTimestamp: ["@timestamp"]
        case .agent: ["agent"]
        case .ecs: ["ecs"]
        case .input: ["input"]
        case .json: ["json"]
        case .container: ["container"]
        case .sourceDocument: ["_source"]
        case .documentIndex: ["_index"]
        case .documentID: ["_id"]
        case .hits: ["hits"]
        case .messageType: ["messageType"]
        case .owner: ["owner"]
        case .logGroup: ["logGroup"]
        case .logStream: ["logStream"]
        case .logEvents: ["logEvents"]
        case .events: ["events"]
        case .ingestionTime: ["ingestionTime"]
        case .eventID: ["eventId"]
        case .logStreamName: ["logStreamName"]
        case .logName: ["logName"]
        case .resource: ["resource"]
        case .textPayload: ["textPayload"]
        case .jsonPayload: ["jsonPayload"]
        case .split: ["split"]
        case .service: ["service"]
        case .status: ["status"]
        case .tags: ["tags"]
        case .attributes: ["attributes"]
        case .ddsource: ["ddsource"]
        case .ddtags: ["ddtags"]
        case .hostname: ["hostname"]
        case .resourceLogs: ["resourceLogs"]
        case .data: ["data"]
        case .streams: ["streams"]
        case .labels: ["labels"]
        case .line: ["line"]
        case .preview: ["preview"]
        case .offset: ["offset"]
        case .result: ["result"]
        case .results: ["results"]
        case .raw: ["_raw"]
        case .event: ["event"]
        case .sourcetype: ["sourcetype"]
        case .index: ["index"]
        case .journalMessage: ["MESSAGE"]
        case .realtime: ["__REALTIME_TIMESTAMP", "__realtime_timestamp"]
        case .cursor: ["__CURSOR", "__cursor"]
        case .bootID: ["_BOOT_ID", "_boot_id"]
        case .transport: ["_TRANSPORT", "_transport"]
        case .unit: ["_SYSTEMD_UNIT", "_systemd_unit"]
        case .streamID: ["_STREAM_ID", "_stream_id"]
        case .lineBreak: ["_LINE_BREAK", "_line_break"]
        case .journalContainer: ["CONTAINER_NAME"]
        case .journalContainerID: ["CONTAINER_ID_FULL"]
        case .journalPartial: ["CONTAINER_PARTIAL_MESSAGE"]
        case .priority: ["PRIORITY"]
        case .podName: ["podName"]
        case .sternContainer: ["containerName"]
        case .namespace: ["namespace"]
        case .pod: ["pod"]
        }
    }

    /// By the length of the name.
    private static let byLength: [[(name: [UInt8], key: RecordKey)]] = {
        var table: [[(name: [UInt8], key: RecordKey)]] = []
        for key in allCases {
            for name in key.names.map({ Array($0.utf8) }) {
                while table.count <= name.count { table.append([]) }
                table[name.count].append((name, key))
            }
        }
        return table
    }()

    /// The key whose name stands there, if it is one of these.
    static func of(_ bytes: Span<UInt8>, _ name: Range<Int>) -> RecordKey? {
        guard name.count < byLength.count else { return nil }
        for candidate in byLength[name.count] {
            var place = 0
            while place < name.count, candidate.name[place] == bytes[name.lowerBound + place] { place += 1 }
            if place == name.count { return candidate.key }
        }
        return nil
    }
}

/// Where the members of one object lie that have a name of `RecordKey`.
struct RecordMembers {
    private var values = [FieldRange](repeating: .absent, count: RecordKey.allCases.count)
    /// A key stands there twice, so that two readers could take it for different things: merged from a program's own JSON.
    private(set) var hasRepeated = false

    /// - Parameter object: from brace to brace, in a line that has been found to be JSON.
    init(_ bytes: Span<UInt8>, _ object: Range<Int>) {
        var members = JSONMembers(bytes, object)
        while let member = members.next() {
            let key: RecordKey?
            if member.keyHasEscapes {
                let name = JSONText.unescaped(bytes, member.key)
                key = RecordKey.of(name.span, 0..<name.count)
            } else {
                key = RecordKey.of(bytes, member.key)
            }
            guard let key else { continue }
            if values[key.rawValue].kind != .absent { hasRepeated = true }
            values[key.rawValue] = member.value
        }
    }

    subscript(key: RecordKey) -> FieldRange { values[key.rawValue] }

    func has(_ key: RecordKey) -> Bool { values[key.rawValue].kind != .absent }

    /// An entry of coderd's own, which is judged as that whatever other members it has.
    var isEntry: Bool { has(.msg) || has(.timestampSeconds) }
}

extension FieldRange {
    var isString: Bool { kind == .string || kind == .escapedString }

    /// From brace to brace, quotes of a string included.
    var whole: Range<Int> { isString ? range.lowerBound - 1..<range.upperBound + 1 : range }
}

extension JSONMembers {
    /// The value at a path of keys below an object; `nil` if a key is missing or stands there twice.
    static func find(_ bytes: Span<UInt8>, _ object: FieldRange, _ path: [String]) -> FieldRange? {
        var value = object
        for name in path {
            guard value.kind == .object else { return nil }
            var found: FieldRange?
            let wanted = Array(name.utf8)
            var members = JSONMembers(bytes, value.range)
            while let member = members.next() {
                guard member.key.count == wanted.count, isEqual(bytes, member.key, wanted) else { continue }
                if found != nil { return nil }
                found = member.value
            }
            guard let found else { return nil }
            value = found
        }
        return value
    }

    static func isEqual(_ bytes: Span<UInt8>, _ range: Range<Int>, _ text: [UInt8]) -> Bool {
        guard range.count == text.count else { return false }
        for place in 0..<text.count where bytes[range.lowerBound + place] != text[place] { return false }
        return true
    }
}

/// The elements of an array in a line that has been found to be JSON, one after another.
struct JSONElements: ~Escapable {
    private let bytes: Span<UInt8>
    private var at: Int
    private let end: Int

    /// - Parameter array: from bracket to bracket.
    @_lifetime(copy bytes)
    init(_ bytes: Span<UInt8>, _ array: Range<Int>) {
        self.bytes = bytes
        at = array.lowerBound + 1
        end = array.upperBound - 1
    }

    /// After what was read last: from a byte before it on the rest can be read as an array.
    var position: Int { at }

    mutating func next() -> FieldRange? {
        while at < end, bytes[at] <= 0x20 || bytes[at] == UInt8(ascii: ",") { at += 1 }
        guard at < end else { return nil }
        // A member without its key: the reader of members begins after a brace, so it is given the place before.
        var reader = JSONMembers(bytes, at - 1..<end + 1)
        let value = reader.element()
        at = value.whole.upperBound
        return value
    }
}
