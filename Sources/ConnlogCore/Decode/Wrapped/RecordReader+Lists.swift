internal import ConnlogSystem

/// Objects that hold many lines: what a service hands over at once, or answers.
///
///     CloudWatch     {"messageType","logGroup","logStream","logEvents":[{"message"}]}, {"events":[…]}
///     Loki           {"streams":[{"stream":{},"values":[["ns","line"]]}]}, {"data":{"result":[…]}}
///     OTLP           {"resourceLogs":[{"resource","scopeLogs":[{"logRecords":[{"body"}]}]}]}
///     Splunk         {"preview","result":{"_raw"}}, {"preview","results":[{"_raw"}]}
///     Elasticsearch  {"hits":{"hits":[{"_source"}]}}
extension RecordReader {
    func list(_ members: RecordMembers) -> RecordReading {
        if members[.logEvents].kind == .array, members[.logGroup].isString, members[.messageType].isString,
            takes(.cloudWatch)
        {
            return cloudWatch(members)
        }
        if members[.resourceLogs].kind == .array, takes(.otlp) { return otlp(members[.resourceLogs]) }
        if members[.streams].kind == .array, takes(.loki), let lines = loki(members[.streams]) { return .lines(lines) }
        if takes(.loki), let result = JSONMembers.find(bytes, members[.data], ["result"]), result.kind == .array,
            let lines = loki(result)
        {
            return .lines(lines)
        }
        if members.has(.preview), takes(.splunk) {
            if members[.result].kind == .object { return .lines(splunk([members[.result]])) }
            if members[.results].kind == .array { return .lines(splunk(objects(members[.results]))) }
        }
        if members[.events].kind == .array, takes(.cloudWatch) {
            let objects = objects(members[.events])
            if isCloudWatch(objects) { return .objects(objects.map(\.range)) }
        }
        if takes(.filebeat), let hits = JSONMembers.find(bytes, members[.hits], ["hits"]), hits.kind == .array {
            return .objects(objects(hits).map(\.range))
        }
        return .none
    }

    private func takes(_ list: Wrapper) -> Bool { wrapper == nil || wrapper == list }

    private func objects(_ array: FieldRange) -> [FieldRange] {
        var objects: [FieldRange] = []
        var elements = JSONElements(bytes, array.range)
        while let element = elements.next() {
            if element.kind == .object { objects.append(element) }
        }
        return objects
    }

    private func isCloudWatch(_ objects: [FieldRange]) -> Bool {
        !objects.isEmpty
            && objects.allSatisfy { object in
                JSONMembers.find(bytes, object, ["ingestionTime"])?.kind == .number
                    && JSONMembers.find(bytes, object, ["message"])?.isString == true
            }
    }

    private func cloudWatch(_ members: RecordMembers) -> RecordReading {
        // What the service writes to see whether the receiver is there.
        if text(members[.messageType]) == "CONTROL_MESSAGE" { return .lines([]) }
        var context = context(.cloudWatch, [members[.logGroup], members[.logStream]])
        var origin = Origin()
        origin[.logGroup] = text(members[.logGroup])
        context.origin.take(origin, conditions)
        addOrigin(&context)
        var lines: [RecordLine] = []
        for event in objects(members[.logEvents]) {
            guard let message = JSONMembers.find(bytes, event, ["message"]), message.isString else {
                return malformed(event.range.lowerBound)
            }
            lines.append(RecordLine(content: .text(message), context: context))
        }
        return .lines(lines)
    }

    private func loki(_ streams: FieldRange) -> [RecordLine]? {
        var lines: [RecordLine] = []
        for stream in objects(streams) {
            guard let labels = JSONMembers.find(bytes, stream, ["stream"]), labels.kind == .object,
                let values = JSONMembers.find(bytes, stream, ["values"]), values.kind == .array
            else { return nil }
            var context = context(.loki, [labels])
            var origin = Origin()
            for (field, name) in [(Origin.Field.container, "container"), (.namespace, "namespace"), (.unit, "unit")] {
                origin[field] = JSONMembers.find(bytes, labels, [name]).flatMap { text($0) }
            }
            context.origin.take(origin, conditions)
            addOrigin(&context)
            var elements = JSONElements(bytes, values.range)
            while let value = elements.next() {
                guard value.kind == .array else { return nil }
                var pair = JSONElements(bytes, value.range)
                guard let time = pair.next(), time.isString, let line = pair.next(), line.isString else { return nil }
                lines.append(RecordLine(content: .text(line), context: context))
            }
        }
        return lines
    }

    private func splunk(_ results: [FieldRange]) -> [RecordLine] {
        var lines: [RecordLine] = []
        for result in results {
            guard let raw = JSONMembers.find(bytes, result, ["_raw"]), raw.isString else { continue }
            var context = context(
                .splunk, [JSONMembers.find(bytes, result, ["host"]), JSONMembers.find(bytes, result, ["source"])])
            addOrigin(&context)
            lines.append(RecordLine(content: .text(raw), context: context))
        }
        return lines
    }

    // MARK: OTLP

    private func otlp(_ resources: FieldRange) -> RecordReading {
        var lines: [RecordLine] = []
        for resource in objects(resources) {
            guard let scopes = JSONMembers.find(bytes, resource, ["scopeLogs"]), scopes.kind == .array else {
                return .none
            }
            let attributes = JSONMembers.find(bytes, resource, ["resource", "attributes"])
            var origin = Origin()
            origin[.container] = attribute("k8s.container.name", attributes) ?? attribute("container.name", attributes)
            origin[.namespace] = attribute("k8s.namespace.name", attributes)
            let context = otlpContext(attributes)
            for scope in objects(scopes) {
                guard let records = JSONMembers.find(bytes, scope, ["logRecords"]), records.kind == .array else {
                    continue
                }
                for record in objects(records) {
                    guard let line = otlpLine(record, context, origin) else {
                        return malformed(record.range.lowerBound)
                    }
                    if let line = line.line { lines.append(line) }
                }
            }
        }
        return .lines(lines)
    }

    /// Names that tell one writer from another.
    private static let writerAttributes = [
        "k8s.pod.uid", "k8s.pod.name", "container.id", "host.name", "service.name", "service.instance.id",
    ]

    /// Attributes of a resource that are asked for.
    static let resourceAttributes: Set<String> = Set(
        writerAttributes + ["k8s.container.name", "container.name", "k8s.namespace.name"])

    private func otlpContext(_ attributes: FieldRange?) -> RecordContext {
        var context = context(.otlp, [])
        for name in RecordReader.writerAttributes {
            context.key.append(0)
            context.key += (attribute(name, attributes) ?? "").utf8.prefix(200)
        }
        return context
    }

    /// A record without a body is no line, and none that cannot be read.
    private func otlpLine(
        _ record: FieldRange, _ context: RecordContext, _ origin: Origin
    ) -> (line: RecordLine?, Void)? {
        guard let body = JSONMembers.find(bytes, record, ["body"]), body.kind == .object else { return (nil, ()) }
        let attributes = JSONMembers.find(bytes, record, ["attributes"])
        let content: RecordLine.Content
        if let text = JSONMembers.find(bytes, body, ["stringValue"]) {
            guard text.isString else { return nil }
            content = .text(text)
        } else if JSONMembers.find(bytes, body, ["kvlistValue"]) != nil {
            var made = ByteBuffer()
            guard OTLPValue.write(bytes, body, into: &made) else { return nil }
            content = .made(made.array)
        } else {
            return (nil, ())
        }
        var context = context
        context.key += (attribute("log.iostream", attributes) ?? "").utf8.prefix(16)
        context.origin.take(origin, conditions)
        addOrigin(&context)
        let isPart = attribute("logtag", attributes)?.hasPrefix("P") ?? false
        return (
            RecordLine(content: content, part: isPart ? .part : .whole, context: context, mayHaveParts: true), ()
        )
    }

    /// The text of an attribute; `nil` if it stands there twice.
    private func attribute(_ name: String, _ attributes: FieldRange?) -> String? {
        guard let attributes, attributes.kind == .array else { return nil }
        var found: String?
        for attribute in objects(attributes) {
            guard JSONMembers.find(bytes, attribute, ["key"]).flatMap({ text($0) }) == name else { continue }
            if found != nil { return nil }
            found = JSONMembers.find(bytes, attribute, ["value", "stringValue"]).flatMap { text($0) }
        }
        return found
    }
}

/// OTLP's `AnyValue` as plain JSON.
enum OTLPValue {
    /// - Parameter value: `{"stringValue":…}` and the like.
    /// - Returns: `false` if it is none.
    static func write(_ bytes: Span<UInt8>, _ value: FieldRange, into out: inout ByteBuffer) -> Bool {
        guard value.kind == .object else { return false }
        var members = JSONMembers(bytes, value.range)
        guard let member = members.next() else {
            out.append("null")
            return true
        }
        let inner = member.value
        switch JSONText.string(bytes, member.key) {
        case "stringValue", "bytesValue":
            guard inner.isString else { return false }
            out.append(bytes.extracting(inner.whole))
        case "boolValue", "doubleValue": out.append(bytes.extracting(inner.whole))
        case "intValue":
            guard inner.kind == .number || inner.kind == .string, EventValue.integer(bytes, inner.range) != nil else {
                return false
            }
            out.append(bytes.extracting(inner.range))
        case "arrayValue": return list(bytes, inner, "[", "]", into: &out) { write($0, $1, into: &$2) }
        case "kvlistValue": return list(bytes, inner, "{", "}", into: &out) { pair($0, $1, &$2) }
        default: return false
        }
        return true
    }

    private static func pair(_ bytes: Span<UInt8>, _ element: FieldRange, _ out: inout ByteBuffer) -> Bool {
        guard let key = JSONMembers.find(bytes, element, ["key"]), key.isString else { return false }
        out.append(bytes.extracting(key.whole))
        out.append(":")
        guard let value = JSONMembers.find(bytes, element, ["value"]) else {
            out.append("null")
            return true
        }
        return write(bytes, value, into: &out)
    }

    private static func list(
        _ bytes: Span<UInt8>, _ value: FieldRange, _ open: String, _ close: String, into out: inout ByteBuffer,
        _ element: (Span<UInt8>, FieldRange, inout ByteBuffer) -> Bool
    ) -> Bool {
        out.append(open)
        if let values = JSONMembers.find(bytes, value, ["values"]), values.kind == .array {
            var elements = JSONElements(bytes, values.range)
            var isFirst = true
            while let next = elements.next() {
                if !isFirst { out.append(",") }
                isFirst = false
                guard element(bytes, next, &out) else { return false }
            }
        }
        out.append(close)
        return true
    }
}
