internal import ConnlogSystem

/// Audit events beside connections, as syslog messages.
///
///     <134>1 2025-07-10T10:14:38.942776Z coder-1 coder 4711 AUDIT [connlog@32473 eid="..." ev="audit" who="token:jane"
///         role="auditor" action="export" ...] token:jane exported connections as csv (123 rows): type:ssh
extension RFC5424Encoder {
    /// For a record that the scanner does not take. Few of them come, so this may allocate.
    @inline(never)
    mutating func appendAudit(_ record: Span<UInt8>, to output: inout ByteBuffer) -> Bool {
        guard let text = AuditText(record) else { return false }
        let (start, event) = (output.count, text.event)
        output.append(contentsOf: Array("<\(options.facility.rawValue * 8 + Severity.informational.rawValue)>1 ".utf8))
        output.append(contentsOf: Array(EventTime.text(event.time, .digits(6)).utf8))
        output.append(contentsOf: sender)
        output.append(contentsOf: Array("AUDIT ".utf8))
        output.append(contentsOf: elementStart)
        var isCut = false
        for (key, value) in [("eid", event.id), ("ev", "audit")] + text.pairs.filter({ $0.key != "id" }) {
            var parameter = Array(" \(key)=\"".utf8)
            parameter += SyslogTextWriter.bytes(value, in: .parameter)
            parameter.append(UInt8(ascii: "\""))
            isCut = isCut || output.count - start + parameter.count + RFC5424Encoder.truncationRoom > bytesMax
            if isCut { break }
            output.append(contentsOf: parameter)
        }
        let message = message(text, record)
        isCut = isCut || output.count - start + 2 + message.count > bytesMax
        output.append(contentsOf: Array(isCut ? " trunc=\"1\"]".utf8 : "]".utf8))
        if isCut { truncations += 1 }
        let room = bytesMax - (output.count - start) - 1
        if !message.isEmpty, room > 0 {
            output.append(contentsOf: [UInt8(ascii: " ")] + SyslogTextWriter.beginning(of: message, bytesMax: room))
        }
        return true
    }

    private static var truncationRoom: Int { 11 }

    private func message(_ text: AuditText, _ record: Span<UInt8>) -> [UInt8] {
        switch options.message {
        case .none: return []
        case .json: return text.json
        default: return SyslogTextWriter.bytes(text.sentence, in: .message)
        }
    }
}

extension RFC3164Encoder {
    /// The same for receivers that know no better: the sentence, or the line.
    @inline(never)
    mutating func appendAudit(_ record: Span<UInt8>, to output: inout ByteBuffer) -> Bool {
        guard let text = AuditText(record) else { return false }
        let (start, event) = (output.count, text.event)
        let head = head(event.time)
        output.append(contentsOf: head)
        let sentence = options.message == .none ? "" : text.sentence + " "
        let content =
            options.message == .json ? text.json : SyslogTextWriter.bytes("\(sentence)eid=\(event.id)", in: .message)
        let room = options.bytesMax - head.count
        if content.count > room { truncations += 1 }
        output.append(contentsOf: SyslogTextWriter.beginning(of: content, bytesMax: max(0, room)))
        return output.count > start
    }

    private mutating func head(_ time: Nanoseconds) -> [UInt8] {
        var head = ByteBuffer()
        let local = local(time)
        head.withWriter(reserving: 1024) { writer in
            writer.append(UInt8(ascii: "<"))
            writer.appendDecimal(UInt64(options.facility.rawValue * 8 + Severity.informational.rawValue))
            writer.append(UInt8(ascii: ">"))
            timestamp(local, &writer)
            writer.append(UInt8(ascii: " "))
            writer.append(sender.span)
        }
        return head.array
    }
}

extension AuditText {
    /// The line, fit for a syslog message.
    var json: [UInt8] {
        let line = Array(event.line.utf8)
        var text = ByteBuffer()
        text.withWriter(reserving: line.count * 6 + SyslogTextWriter.slack) { writer in
            _ = SyslogTextWriter.appendJSON(line.span, to: &writer)
        }
        return text.array
    }
}

extension SyslogTextWriter {
    /// As many whole characters as fit.
    static func beginning(of text: [UInt8], bytesMax: Int) -> [UInt8] {
        var end = min(bytesMax, text.count)
        while end > 0, end < text.count, text[end] & 0xc0 == 0x80 { end -= 1 }
        return Array(text[..<end])
    }

    static func bytes(_ text: String, in place: Place) -> [UInt8] {
        let bytes = Array(text.utf8)
        var written = ByteBuffer()
        written.withWriter(reserving: bytes.count * growthMax + slack) { writer in
            append(bytes.span, 0..<bytes.count, in: place, to: &writer)
        }
        return written.array
    }
}
