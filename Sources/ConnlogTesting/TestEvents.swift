public import ConnlogCore
public import ConnlogSystem

/// Events for tests: valid slog JSON lines of a connection, told apart by a number.
public enum TestEvents {
    /// The `ID` of event `number`.
    public static func id(_ number: Int) -> String {
        let digits = String(number)
        return "a0000000-0000-4000-8000-" + String(repeating: "0", count: 12 - digits.count) + digits
    }

    /// A line of coderd with this number's id.
    public static func line(_ number: Int, type: String = "ssh", workspace: String = "dev") -> String {
        """
        {"ts":"2025-07-03T05:09:41.929840747Z","level":"INFO","msg":"connection_log","caller":"slog.go:38",\
        "func":"ExportStruct","logger_names":["coderd"],"fields":{"ID":"\(id(number))",\
        "WorkspaceName":"\(workspace)","AgentName":"main","Type":"\(type)","Code":null,"Ip":"127.0.0.1","UserAgent":"",\
        "UserID":null,"SlugOrPort":"","ConnectionID":"c0000000-0000-4000-8000-000000000001","DisconnectReason":"",\
        "Time":"2025-07-10T10:14:38.942776145Z","ConnectionStatus":"connected"}}
        """
    }

    /// A `workspace_app` event of exactly `bytes` bytes, without a line feed: its user agent is as long as that takes.
    ///
    /// - Parameters:
    ///   - number: which event it is; its id says so.
    ///   - bytes: as few as `shortest` are given what the other members need.
    ///   - filler: what the user agent is made of, as it stands in the line; cut after whole fillers and filled up with `x`.
    public static func line(_ number: Int, bytes: Int, filler: String = "x") -> String {
        let parts = line(number, type: "workspace_app").split(separator: "\"UserAgent\":\"", maxSplits: 1)
        let wanted = max(0, bytes - shortest)
        let whole = String(repeating: filler, count: wanted / filler.utf8.count)
        let rest = String(repeating: "x", count: wanted % filler.utf8.count)
        return "\(parts[0])\"UserAgent\":\"\(whole)\(rest)\(parts[1])"
    }

    /// The bytes of an event with an empty user agent.
    public static let shortest = line(0, type: "workspace_app").utf8.count

    /// A batch of such lines.
    public static func batch(_ numbers: some Sequence<Int>, type: String = "ssh") -> EventBatch {
        var batch = EventBatch()
        for number in numbers { batch.append(Array(line(number, type: type).utf8).span) }
        return batch
    }

    /// The number of the event in a record.
    public static func number(_ record: String) -> Int? {
        guard let found = record.firstRange(of: "\"ID\":\"a0000000-0000-4000-8000-") else { return nil }
        return Int(record[found.upperBound...].prefix(12))
    }

    /// The numbers of a batch's events, in order.
    public static func numbers(_ batch: EventBatch) -> [Int] {
        (0..<batch.count).compactMap { number(batch.bytes.text(batch.records[$0].range)) }
    }
}
