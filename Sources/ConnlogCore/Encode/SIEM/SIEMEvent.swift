internal import ConnlogSystem

/// What all formats for SIEMs say of an event, found once.
struct SIEMEvent: ~Escapable {
    let index: EventIndex
    /// When it happened, else when coderd wrote the line.
    let time: Nanoseconds?
    /// The event says itself when it happened.
    let hasOwnTime: Bool
    let type: ConnectionType
    let code: Int?
    let act: SIEMAct?
    /// Of syslog: 6, 5 or 4.
    let severity: Severity
    let address: SIEMAddress?

    @_lifetime(copy index)
    init(_ index: EventIndex, _ record: Span<UInt8>) {
        self.index = index
        let own = index.time(in: record)
        hasOwnTime = own != nil
        time = own ?? index.entryTime(in: record)
        let status = index.status(in: record)
        type = index.connectionType(in: record)
        code = index.code(in: record)
        act = SIEMAct(type, status, code)
        severity = Sentence(type: type, status: status, code: code).severity(index, record)
        address = SIEMAddress(index.value(.ip, in: record), in: record)
    }

    /// A session that ended with another code than 0 and no reason is a success, as with syslog's severity.
    var isSuccess: Bool {
        severity == .informational && !(type.isWeb && (code ?? 0) >= 400)
    }

    /// The code is an HTTP status of web events, an exit code of sessions.
    var hasStatus: Bool { type.isWeb }

    // MARK: Words

    /// `Web terminal session closed`: nothing in it comes from the event, so it can be counted by.
    func writeName(_ writer: inout ByteWriter) {
        switch type {
        case .ssh: writer.append("SSH session")
        case .vscode: writer.append("VS Code session")
        case .jetbrains: writer.append("JetBrains session")
        case .reconnectingPTY: writer.append("Web terminal session")
        case .workspaceApp: writer.append("Workspace app")
        case .portForwarding: writer.append("Port forwarding")
        case .tunnel: writer.append("Tunnel")
        case .other: writer.append("Session")
        }
        switch act {
        case .opened, .allowed: writer.append(" opened")
        case .closed: writer.append(" closed")
        case .denied: writer.append(" refused")
        case .error: writer.append(" failed")
        case nil: break
        }
    }

    /// The type as the event has it; a method and an app give the type that Coder derives from the two.
    func typeText(in record: Span<UInt8>) -> TextRange? {
        if let text = index.value(.type, in: record) { return text }
        return type == .vscode || type == .jetbrains ? nil : index.value(.connectionMethod, in: record)
    }

    func writeType(
        _ record: Span<UInt8>, _ text: inout SIEMText, as style: SIEMText.Style, bytesMax: Int = .max,
        _ writer: inout ByteWriter
    ) {
        guard let type = typeText(in: record) else { return writer.append(self.type.word) }
        text.append(type, of: record, as: style, bytesMax: bytesMax, to: &writer)
    }

    /// The same for a header: see `SIEMText.appendHeader`.
    func writeTypeHeader(_ record: Span<UInt8>, _ text: inout SIEMText, escapes: Bool, _ writer: inout ByteWriter) {
        guard let type = typeText(in: record), ConnectionType.known(record, type.range) == nil else {
            return writer.append(self.type.word)
        }
        // Of CEF's 1023 bytes the act takes less than 23.
        text.appendHeader(type, of: record, escapes: escapes, bytesMax: 1000, to: &writer)
    }

    // MARK: Values

    /// The client's app, of builds that write it beside the method; in others it is the type.
    func clientApp(in record: Span<UInt8>) -> TextRange? {
        type.isWeb || index.value(.type, in: record) != nil ? nil : index.value(.appNameOrPort, in: record)
    }

    /// What was opened, unless it is a port.
    func app(in record: Span<UInt8>) -> TextRange? {
        let opened = index.slugOrPort(type, in: record)
        return port(in: record) == nil ? opened : nil
    }

    /// The forwarded port, if it is a number that a port can have.
    func port(in record: Span<UInt8>) -> Int? {
        guard type == .portForwarding, let text = index.slugOrPort(type, in: record), !text.hasEscapes,
            text.range.count <= 5
        else { return nil }
        var value = 0
        for place in text.range {
            guard record[place] &- 0x30 < 10 else { return nil }
            value = value * 10 + Int(record[place] &- 0x30)
        }
        return value <= 65_535 ? value : nil
    }

    /// Of `trace` and `span`: without what stands for none, zeros alone.
    func traceID(_ field: Field, in record: Span<UInt8>) -> TextRange? {
        guard let text = index.value(field, in: record) else { return nil }
        for place in text.range where record[place] != UInt8(ascii: "0") { return text }
        return nil
    }

    func writeID(
        _ record: Span<UInt8>, _ text: inout SIEMText, as style: SIEMText.Style, bytesMax: Int = .max,
        _ writer: inout ByteWriter
    ) {
        guard let id = index.value(.id, in: record) else { return DerivedEventID.write(record, into: &writer) }
        text.append(id, of: record, as: style, bytesMax: bytesMax, to: &writer)
    }

    static func writeNumber(_ number: Int, _ writer: inout ByteWriter) {
        if number < 0 { writer.append(UInt8(ascii: "-")) }
        writer.appendDecimal(UInt64(number.magnitude))
    }

    /// Milliseconds since 1970, rounded down.
    static func writeMilliseconds(_ time: Nanoseconds, _ writer: inout ByteWriter) {
        writeNumber(Int(time / 1_000_000 - (time % 1_000_000 < 0 ? 1 : 0)), &writer)
    }

    /// RFC 3339 in UTC with all digits: `Time` or `ts`, whichever way a build has written it.
    func writeTime(_ field: Field, _ time: Nanoseconds, _ record: Span<UInt8>, _ writer: inout ByteWriter) {
        if let text = index.value(field, in: record), !text.hasEscapes, EventTime.isShortest(record, text.range) {
            writer.append(record.extracting(text.range))
        } else {
            EventTime.write(time, into: &writer)
        }
    }
}

/// What happened, one word in all formats.
///
///     sessions                          opened, closed
///     web events and tunnels            allowed below 400, denied 401 and 403, error other codes from 400
enum SIEMAct: CaseIterable {
    case opened, closed, allowed, denied, error

    /// `nil` of a session whose status says neither.
    init?(_ type: ConnectionType, _ status: ConnectionStatus?, _ code: Int?) {
        if type.isWeb {
            switch code ?? 0 {
            case ..<400: self = .allowed
            case 401, 403: self = .denied
            default: self = .error
            }
        } else {
            guard let status else { return nil }
            self = status == .connected ? .opened : .closed
        }
    }

    var word: StaticString {
        switch self {
        case .opened: "opened"
        case .closed: "closed"
        case .allowed: "allowed"
        case .denied: "denied"
        case .error: "error"
        }
    }
}
