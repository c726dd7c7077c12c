public import ConnlogSystem

/// Writes events in the formats of `SIEMFormat`, one line each: no line feed is ever in one.
///
/// The formats themselves, field by field, are described at the heads of `CEF`, `LEEF`, `ECS` and `OCSF`.
public struct SIEMEncoder: EventEncoder, Sendable {
    /// What comes out.
    public let format: SIEMFormat

    private let host: [UInt8]
    private let names: BoxedNames?
    private var scanner = EventScanner()
    private var text = SIEMText()

    /// - Parameters:
    ///   - format: what comes out.
    ///   - hostname: the machine that connlog runs on, which CEF has a key for; empty leaves it out.
    ///   - names: adds the names that it knows for an event's ids, beside the ids.
    public init(_ format: SIEMFormat, hostname: String, names: (any Names)? = nil) {
        self.format = format
        self.names = names.map { BoxedNames($0) }
        host = format == .cef ? CEF.host(hostname) : []
    }

    /// Finds the record's fields and appends it.
    public mutating func append(_ record: Span<UInt8>, to output: inout ByteBuffer) -> Bool {
        var fields = EventFields()
        guard scanner.takes(record, into: &fields) else { return false }
        return append(record, fields.index, to: &output)
    }

    /// Appends a record whose fields are known.
    public mutating func append(_ record: Span<UInt8>, _ index: EventIndex, to output: inout ByteBuffer) -> Bool {
        var shared = SIEMShared(host: host)
        if let names { shared.names = EventNames(of: record, index, from: names.names) }
        output.withWriter(reserving: room(record, shared.names)) { writer in
            let event = SIEMEvent(index, record)
            switch format {
            case .cef: CEF.write(event, record, shared, &text, &writer)
            case .leef: LEEF.write(event, record, shared, &text, &writer)
            case .ecs: ECS.write(event, record, shared, &text, &writer)
            case .ocsf: OCSF.write(event, record, shared, &text, &writer)
            }
        }
        return true
    }

    /// What an event may take at most.
    private func room(_ record: Span<UInt8>, _ names: EventNames?) -> Int {
        let overhead =
            switch format {
            case .cef: CEF.overheadMax
            case .leef: LEEF.overheadMax
            case .ecs: ECS.overheadMax
            case .ocsf: OCSF.overheadMax
            }
        let known = [names?.user, names?.workspaceOwner, names?.organization].reduce(0) { $0 + ($1?.utf8.count ?? 0) }
        return overhead + host.count + SIEMText.slack + (record.count + known) * format.growthMax
    }
}

/// What does not come out of the record.
struct SIEMShared {
    /// CEF's key for the machine.
    let host: [UInt8]
    /// Of the present event's ids; `nil` without a directory.
    var names: EventNames?
}
