internal import ConnlogSystem

/// The keys, orders of keys and frequent values that compact records refer to by number.
///
/// The numbers are on disk: add at the end, never change or remove. A key, order or value that is not here costs bytes or
/// leads to a raw line, never to a wrong one.
struct RecordKeys: Sendable {
    /// Ends `fields`.
    static let close: UInt8 = 0
    static let fields: UInt8 = 9

    struct Key: Sendable {
        /// `,"key":`; the first key of an object has a brace instead of the comma.
        let text: [UInt8]
        let slot: UInt8
        let isInFields: Bool
        /// The numbers of values that the field often has.
        let candidates: Range<Int>

        init(_ name: String, _ field: Field, isInFields: Bool, candidates: Range<Int>) {
            text = Array(",\"\(name)\":".utf8)
            precondition(text.count <= RecordKeys.keyBytesMax)
            slot = UInt8(field.rawValue)
            self.isInFields = isInFields
            self.candidates = candidates
        }
    }

    static let keyBytesMax = 24

    let keys: [Key]
    /// Orders of keys by number; number 0 stands for one that follows in the record.
    let orders: [[UInt8]]
    /// The same for the way over a line.
    let layouts: [RecordOrder]

    static let known = RecordKeys()

    /// The number of the word that makes a line a connection event.
    static let connectionLog = 1

    static let words = [
        "INFO", "connection_log", "/home/coder/coder/enterprise/audit/backends/slog.go:38",
        "github.com/coder/coder/v2/enterprise/audit/backends.(*SlogExporter).ExportStruct", "[\"coderd\"]", "ssh",
        "vscode",
        "jetbrains", "reconnecting_pty", "workspace_app", "port_forwarding", "tunnel", "connected", "disconnected",
        "main",
    ]

    private init() {
        let types = 5..<12
        let none = 0..<0
        keys = [
            // Number 0 closes `fields` and has no key.
            Key("", .fields, isInFields: true, candidates: none),
            Key("ts", .ts, isInFields: false, candidates: none),
            Key("level", .level, isInFields: false, candidates: 0..<1),
            Key("msg", .msg, isInFields: false, candidates: 1..<2),
            Key("caller", .caller, isInFields: false, candidates: 2..<3),
            Key("func", .function, isInFields: false, candidates: 3..<4),
            Key("logger_names", .loggerNames, isInFields: false, candidates: 4..<5),
            Key("trace", .trace, isInFields: false, candidates: none),
            Key("span", .span, isInFields: false, candidates: none),
            Key("fields", .fields, isInFields: false, candidates: none),
            Key("request_id", .requestID, isInFields: true, candidates: none),
            Key("ID", .id, isInFields: true, candidates: none),
            Key("OrganizationID", .organizationID, isInFields: true, candidates: none),
            Key("WorkspaceOwnerID", .workspaceOwnerID, isInFields: true, candidates: none),
            Key("WorkspaceID", .workspaceID, isInFields: true, candidates: none),
            Key("WorkspaceName", .workspaceName, isInFields: true, candidates: none),
            Key("AgentName", .agentName, isInFields: true, candidates: 14..<15),
            Key("Type", .type, isInFields: true, candidates: types),
            Key("Code", .code, isInFields: true, candidates: none),
            Key("Ip", .ip, isInFields: true, candidates: none),
            Key("IP", .ip, isInFields: true, candidates: none),
            Key("ip", .ip, isInFields: true, candidates: none),
            Key("UserAgent", .userAgent, isInFields: true, candidates: none),
            Key("UserID", .userID, isInFields: true, candidates: none),
            Key("SlugOrPort", .slugOrPort, isInFields: true, candidates: none),
            Key("ConnectionID", .connectionID, isInFields: true, candidates: none),
            Key("DisconnectReason", .disconnectReason, isInFields: true, candidates: none),
            Key("Time", .time, isInFields: true, candidates: none),
            Key("ConnectionStatus", .connectionStatus, isInFields: true, candidates: 12..<14),
            Key("ConnectionMethod", .connectionMethod, isInFields: true, candidates: types),
            Key("AppNameOrPort", .appNameOrPort, isInFields: true, candidates: none),
            Key("ClientSessionID", .clientSessionID, isInFields: true, candidates: none),
        ]
        let entry: [UInt8] = [1, 2, 3, 4, 5, 6]
        let agentFirst: [UInt8] = [10, 11, 12, 13, 14, 15, 16]
        let timeSecond: [UInt8] = [10, 11, 27, 12, 13, 14, 15, 16]
        orders = [
            [],
            entry + [9] + agentFirst + [17, 18, 19, 22, 23, 24, 25, 26, 27, 28, 0],
            entry + [9] + agentFirst + [17, 18, 20, 22, 23, 24, 25, 26, 27, 28, 0],
            entry + [9] + timeSecond + [29, 30, 18, 20, 22, 23, 25, 26, 28, 31, 0],
            entry + [9] + timeSecond + [29, 18, 20, 22, 23, 30, 25, 26, 28, 31, 0],
            entry + [9] + timeSecond + [17, 18, 19, 22, 23, 24, 25, 26, 28, 0],
            entry + [7, 8, 9] + agentFirst + [17, 18, 19, 22, 23, 24, 25, 26, 27, 28, 0],
        ]
        layouts = orders.map { [keys] in RecordKeys.layout($0, keys) }
    }

    /// An order for the way over a line.
    /// - Parameter order: at most `RecordOrder.keysMax` numbers of keys.
    func layout(_ order: [UInt8]) -> RecordOrder { RecordKeys.layout(order, keys) }

    private static func layout(_ order: [UInt8], _ keys: [Key]) -> RecordOrder {
        var opener = UInt8(ascii: "{")
        return RecordOrder(
            order.map { number in
                let key = keys[Int(number)]
                if number == close {
                    opener = UInt8(ascii: ",")
                    return .closing(slot: key.slot)
                }
                let text = [opener] + key.text.dropFirst()
                opener = UInt8(ascii: number == fields ? "{" : ",")
                return number == fields
                    ? .fields(text, slot: key.slot) : .value(text, slot: key.slot, words: key.candidates)
            }, words: words.map { Array($0.utf8) })
    }

    /// The longest value here, as one part of a record.
    static let wordBytesMax = 96
}
