internal import ConnlogSystem

/// How one shipper wraps a line into a JSON object: how it is known, where the line is, what it says of who wrote it.
///
///     shape          marks                                            the line is at
///     journal        two of __REALTIME_TIMESTAMP __CURSOR             MESSAGE
///                    _BOOT_ID _TRANSPORT
///     cloud_logging  logName resource                                 textPayload, jsonPayload
///     splunk         two of time host source sourcetype index         event, _raw
///     fluentd        container_id container_name                      log
///     docker         stream time                                      log
///     fluent_bit     stream, _p or logtag                             log, message, log_processed
///     vector         timestamp source_type                            message
///     filebeat       @timestamp, one of agent ecs input               message, json
///     stern          podName containerName, or pod container          message
///     datadog        attributes and two of _id date service           message
///                    source status tags; or ddsource ddtags
///     cloudwatch     timestamp ingestionTime                          message
///     loki           labels timestamp                                 line
///     elasticsearch  _index _id                                       _source
///
/// A key that programs may choose is the line's, so none makes a wrapper by itself: each needs two marks of its own. Text
/// in other keys is never looked at.
struct RecordShape: Sendable {
    enum Kind: Sendable {
        case text, object
        /// Text, bytes as numbers, or a list of these, of which the first is the line.
        case journal
    }

    enum Mark: Sendable {
        case string(RecordKey)
        case number(RecordKey)
        case object(RecordKey)
        case present(RecordKey)
    }

    /// How the wrapper says that a line is in several parts.
    enum Parts: Sendable {
        case none
        /// A part is what does not end with a line feed.
        case lineFeed
        /// `P` in one of these keys.
        case tag(RecordKey)
        case vector, filebeat, journal, fluentd, split
    }

    let wrapper: Wrapper
    /// All of these, and `least` of `some`.
    var marks: [Mark]
    var some: [Mark] = []
    var least = 0
    /// The first that is there holds the line.
    var texts: [(key: RecordKey, kind: Kind)]
    var parts = Parts.none
    var origin: [(field: Origin.Field, path: [String])] = []
    /// With the origin these tell apart what is written at the same time.
    var stream: [[String]] = []
    /// Is taken only where the source's `format` names it.
    var isByNameOnly = false
    /// What has the marks and no line is nobody else's either: programs choose the names of their own fields.
    var isFinal = false

    private static let kubernetes: [(field: Origin.Field, path: [String])] = [
        (.container, ["kubernetes", "container_name"]), (.namespace, ["kubernetes", "namespace_name"]),
    ]

    /// In the order in which they are tried.
    static let all: [RecordShape] = [
        RecordShape(
            wrapper: .journal, marks: [], some: journalMarks, least: 2,
            texts: [(.journalMessage, .journal), (.message, .journal)], parts: .journal,
            origin: [(.unit, ["_SYSTEMD_UNIT"]), (.container, ["CONTAINER_NAME"]), (.unit, ["_systemd_unit"])],
            stream: [["_STREAM_ID"], ["_stream_id"], ["CONTAINER_ID_FULL"], ["PRIORITY"], ["_BOOT_ID"]], isFinal: true),
        RecordShape(
            wrapper: .vector, marks: [.string(.timestamp), .string(.sourceType)], texts: [(.message, .text)],
            parts: .vector,
            origin: [
                (.container, ["kubernetes", "container_name"]), (.namespace, ["kubernetes", "pod_namespace"]),
                (.container, ["container_name"]), (.unit, ["_SYSTEMD_UNIT"]),
            ],
            stream: [
                ["kubernetes", "pod_name"], ["kubernetes", "pod_uid"], ["container_id"], ["stream"], ["file"], ["host"],
                ["_STREAM_ID"],
            ]),
        RecordShape(
            wrapper: .cloudLogging, marks: [.string(.logName), .object(.resource)],
            texts: [(.textPayload, .text), (.jsonPayload, .object)], parts: .split,
            origin: [
                (.container, ["resource", "labels", "container_name"]),
                (.namespace, ["resource", "labels", "namespace_name"]),
            ],
            stream: [["logName"], ["resource", "labels", "pod_name"], ["resource", "labels", "instance_id"]]),
        RecordShape(
            wrapper: .fluentd, marks: [.string(.containerID), .string(.containerName)],
            texts: [(.log, .text), (.message, .text)], parts: .fluentd,
            origin: [(.container, ["container_name"])] + kubernetes, stream: [["container_id"], ["source"]]),
        RecordShape(
            wrapper: .fluentBit, marks: [.string(.stream), .string(.logtagShort)], texts: [(.log, .text)],
            parts: .tag(.logtagShort), origin: kubernetes, stream: kubernetesStream),
        RecordShape(
            wrapper: .fluentBit, marks: [.string(.stream), .string(.logtag)],
            texts: [(.message, .text), (.log, .text)],
            parts: .tag(.logtag), origin: kubernetes, stream: kubernetesStream),
        RecordShape(
            wrapper: .fluentBit, marks: [.string(.stream), .object(.kubernetes)],
            texts: [(.log, .text), (.logProcessed, .object)],
            parts: .lineFeed, origin: kubernetes, stream: kubernetesStream),
        RecordShape(
            wrapper: .docker, marks: [.string(.stream), .string(.time)], texts: [(.log, .text)], parts: .lineFeed,
            stream: [["stream"]]),
        RecordShape(
            wrapper: .filebeat, marks: [.string(.atTimestamp)],
            some: [.object(.agent), .object(.ecs), .object(.input)], least: 1,
            texts: [(.message, .text), (.json, .object)], parts: .filebeat,
            origin: [
                (.container, ["kubernetes", "container", "name"]), (.namespace, ["kubernetes", "namespace"]),
                (.container, ["container", "name"]),
            ],
            stream: [
                ["kubernetes", "pod", "uid"], ["kubernetes", "pod", "name"], ["container", "id"], ["stream"],
                ["log", "file", "path"], ["host", "name"],
            ]),
        RecordShape(
            wrapper: .stern, marks: [.string(.podName), .string(.sternContainer)],
            texts: [(.message, .text)],
            origin: [(.container, ["containerName"]), (.namespace, ["namespace"])], stream: [["podName"]]),
        RecordShape(
            wrapper: .stern, marks: [.string(.pod), .string(.container)],
            texts: [(.message, .text), (.message, .object)],
            origin: [(.container, ["container"]), (.namespace, ["namespace"])], stream: [["pod"]]),
        RecordShape(
            wrapper: .datadog, marks: [.object(.attributes)],
            some: [
                .string(.documentID), .present(.date), .string(.service), .string(.source), .string(.status),
                .present(.tags),
            ], least: 2,
            texts: [(.message, .text), (.attributes, .object)], stream: [["host"], ["service"], ["source"]]),
        RecordShape(
            wrapper: .datadog, marks: [.string(.ddsource), .string(.ddtags)], texts: [(.message, .text)],
            stream: [["hostname"], ["service"], ["ddsource"]]),
        RecordShape(
            wrapper: .splunk, marks: [], some: splunkMarks, least: 2,
            texts: [(.event, .text), (.event, .object)], stream: [["host"], ["source"]]),
        RecordShape(
            wrapper: .splunk, marks: [.string(.raw)], some: splunkMarks, least: 2,
            texts: [(.raw, .text)], stream: [["host"], ["source"]]),
        RecordShape(
            wrapper: .cloudWatch, marks: [.number(.timestamp), .number(.ingestionTime)], texts: [(.message, .text)],
            stream: [["logStreamName"]]),
        RecordShape(
            wrapper: .loki, marks: [.object(.labels), .string(.timestamp)], texts: [(.line, .text)],
            origin: [
                (.container, ["labels", "container"]), (.namespace, ["labels", "namespace"]),
                (.unit, ["labels", "unit"]),
            ], stream: [["labels"]]),
        RecordShape(
            wrapper: .filebeat, marks: [.string(.documentIndex), .string(.documentID)],
            texts: [(.sourceDocument, .object)]),
        // What Fluent Bit reads from files, and Fluentd writes to them, has no marks at all.
        RecordShape(
            wrapper: .fluentBit, marks: [.present(.date)],
            texts: [(.log, .text), (.message, .text), (.journalMessage, .journal)],
            origin: kubernetes, stream: kubernetesStream, isByNameOnly: true),
        RecordShape(
            wrapper: .fluentd, marks: [], texts: [(.log, .text), (.message, .text)], origin: kubernetes,
            stream: kubernetesStream, isByNameOnly: true),
    ]

    private static let journalMarks: [Mark] = [
        .string(.realtime), .string(.cursor), .string(.bootID), .string(.transport),
    ]
    private static let splunkMarks: [Mark] = [
        .present(.time), .string(.host), .string(.source), .string(.sourcetype), .string(.index),
    ]
    private static let kubernetesStream: [[String]] = [
        ["kubernetes", "pod_name"], ["kubernetes", "pod_id"], ["kubernetes", "docker_id"], ["stream"],
    ]

    /// The shape of an object that is no entry of coderd's own, and where in it the line is; `nil` if it is none.
    ///
    /// - Parameter wrapper: named by who runs connlog; without it only what is certain counts.
    static func find(_ members: RecordMembers, as wrapper: Wrapper?) -> (shape: RecordShape, text: FieldRange)? {
        for shape in all where wrapper == nil ? !shape.isByNameOnly : shape.wrapper == wrapper {
            guard shape.marks.allSatisfy({ isThere($0, members) }) else { continue }
            if shape.least > 0 {
                let count = shape.some.count { isThere($0, members) }
                if count < shape.least { continue }
            }
            if let text = shape.text(members) { return (shape, text) }
            if shape.isFinal { return nil }
        }
        return nil
    }

    private static func isThere(_ mark: Mark, _ members: RecordMembers) -> Bool {
        switch mark {
        case .string(let key): members[key].isString
        case .number(let key): members[key].kind == .number
        case .object(let key): members[key].kind == .object
        case .present(let key): members.has(key)
        }
    }

    private func text(_ members: RecordMembers) -> FieldRange? {
        for text in texts {
            let value = members[text.key]
            switch text.kind {
            case .text where value.isString || value.kind == .null: return value
            case .object where value.kind == .object: return value
            case .journal where value.isString || value.kind == .null || value.kind == .array: return value
            default: continue
            }
        }
        return nil
    }
}

/// Who has wrapped a line, by the name that a source's `format` has for it.
enum Wrapper: Int, Sendable {
    case docker, journal, fluentd, fluentBit, vector, filebeat, cloudWatch, cloudLogging, datadog, otlp, loki, splunk
    case stern, kubectl, compose

    /// `nil` for the formats of coderd itself.
    init?(_ format: InputFormat) {
        switch format {
        case .auto, .slogJSON, .slogHuman, .stackdriver: return nil
        case .journal, .journalExport: self = .journal
        case .fluentd: self = .fluentd
        case .fluentBit: self = .fluentBit
        case .vector: self = .vector
        case .filebeat: self = .filebeat
        case .cloudWatch: self = .cloudWatch
        case .cloudLogging: self = .cloudLogging
        case .datadog: self = .datadog
        case .otlp: self = .otlp
        case .loki: self = .loki
        case .splunk, .splunkCSV: self = .splunk
        case .stern: self = .stern
        case .kubectl: self = .kubectl
        case .compose: self = .compose
        }
    }
}
