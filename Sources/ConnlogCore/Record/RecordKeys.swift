internal import ConnlogSystem

/// The keys, orders of keys and frequent values that compact records refer to by number.
///
/// The numbers are on disk: add at the end, never change or remove. A key, order or value that is not here costs bytes or
/// leads to a raw line, never to a wrong one.
struct RecordKeys: Sendable {
    /// Ends `fields`.
    static let close: UInt8 = 0
    static let fields: UInt8 = 9

    /// `,"key":` as three words, of which the first lacks its first byte: a comma or a brace.
    struct Key: Sendable {
        let pattern: WordPattern
        let length: Int
        let slot: UInt8
        let isInFields: Bool
        /// The numbers of values that the field often has.
        let candidates: Range<Int>

        init(_ name: String, _ field: Field, isInFields: Bool, candidates: Range<Int>) {
            let bytes = Array(",\"\(name)\":".utf8)
            length = bytes.count
            precondition(length <= RecordKeys.keyBytesMax)
            slot = UInt8(field.rawValue)
            self.isInFields = isInFields
            self.candidates = candidates
            var words = [UInt64](repeating: 0, count: 3)
            var masks = [UInt64](repeating: 0, count: 3)
            for (place, byte) in bytes.enumerated() {
                words[place / 8] |= UInt64(byte) << UInt64(place % 8 * 8)
                masks[place / 8] |= 0xff << UInt64(place % 8 * 8)
            }
            pattern = WordPattern(
                head: words[0] & ~0xff, headMask: masks[0], tail: [words[1], words[2]], tailMask: [masks[1], masks[2]])
        }

        func byte(_ place: Int) -> UInt8 {
            let word = place < 8 ? pattern.head : pattern.tail[place / 8 - 1]
            return UInt8(truncatingIfNeeded: word >> UInt64(place % 8 * 8))
        }
    }

    static let keyBytesMax = 24

    let keys: [Key]
    /// Orders of keys by number; number 0 stands for one that follows in the record.
    let orders: [[UInt8]]
    /// All values, one behind the other.
    let wordBytes: [UInt8]
    let wordStarts: [Int]

    static let known = RecordKeys()

    private static let words = [
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
        var bytes: [UInt8] = []
        var starts = [0]
        for word in RecordKeys.words {
            bytes += Array(word.utf8)
            starts.append(bytes.count)
        }
        wordBytes = bytes
        wordStarts = starts
    }

    var wordCount: Int { wordStarts.count - 1 }

    @inline(__always)
    func wordRange(_ number: Int) -> Range<Int> { wordStarts[number]..<wordStarts[number + 1] }

    /// The longest value here, as one part of a record.
    static let wordBytesMax = 96
}
