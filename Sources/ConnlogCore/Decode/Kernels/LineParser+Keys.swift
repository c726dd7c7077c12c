/// Which key is which.
///
/// Invariant: a range that is asked about lies inside the line, since the parser has gone over it.
extension LineParser {
    func slotOfKey(_ name: Range<Int>, _ level: Level) -> UInt8 {
        if level == .entry {
            if equals(name, "message") { return Slot.message }
            if equals(name, "severity") || equals(name, "timestampSeconds") { return Slot.stackdriver }
            if let field = entryField(name) { return Slot.of(field) }
        }
        if let field = eventField(name) { return Slot.of(field) }
        return Slot.unknown
    }

    func entryField(_ name: Range<Int>) -> Field? {
        switch name.count {
        case 2: equals(name, "ts") ? .ts : nil
        case 3: equals(name, "msg") ? .msg : nil
        case 4: equals(name, "func") ? .function : equals(name, "span") ? .span : nil
        case 5: equals(name, "level") ? .level : equals(name, "trace") ? .trace : nil
        case 6: equals(name, "fields") ? .fields : equals(name, "caller") ? .caller : nil
        case 12: equals(name, "logger_names") ? .loggerNames : nil
        default: nil
        }
    }

    func eventField(_ name: Range<Int>) -> Field? {
        switch name.count {
        case 2:
            if equals(name, "ID") { return .id }
            return equals(name, "Ip") || equals(name, "IP") || equals(name, "ip") ? .ip : nil
        case 4: return equals(name, "Code") ? .code : equals(name, "Type") ? .type : equals(name, "Time") ? .time : nil
        case 6: return equals(name, "UserID") ? .userID : nil
        case 9: return equals(name, "UserAgent") ? .userAgent : equals(name, "AgentName") ? .agentName : nil
        case 10: return equals(name, "request_id") ? .requestID : equals(name, "SlugOrPort") ? .slugOrPort : nil
        case 11: return equals(name, "WorkspaceID") ? .workspaceID : nil
        case 12: return equals(name, "ConnectionID") ? .connectionID : nil
        case 13:
            return equals(name, "WorkspaceName") ? .workspaceName : equals(name, "AppNameOrPort") ? .appNameOrPort : nil
        case 14: return equals(name, "OrganizationID") ? .organizationID : nil
        case 15: return equals(name, "ClientSessionID") ? .clientSessionID : nil
        case 16:
            if equals(name, "WorkspaceOwnerID") { return .workspaceOwnerID }
            if equals(name, "DisconnectReason") { return .disconnectReason }
            if equals(name, "ConnectionStatus") { return .connectionStatus }
            return equals(name, "ConnectionMethod") ? .connectionMethod : nil
        default: return nil
        }
    }

    /// A key spelt with escapes means the same as one without. Rare, so it may allocate.
    func slotOfEscapedKey(_ name: Range<Int>, _ level: Level) -> UInt8 {
        let text = unescaped(name)
        return unsafe text.withUnsafeBufferPointer { bytes in
            guard let base = bytes.baseAddress else { return Slot.unknown }
            let parser = unsafe LineParser(base: base, count: bytes.count, expected: expected, mode: mode)
            return parser.slotOfKey(0..<bytes.count, level)
        }
    }

    func unescaped(_ place: Range<Int>) -> [UInt8] {
        let span = unsafe Span(_unsafeStart: base + place.lowerBound, count: place.count)
        return JSONText.unescaped(span, 0..<place.count)
    }
}
