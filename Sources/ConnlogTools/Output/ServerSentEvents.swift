/// Lines of a stream of server-sent events, which comes in pieces that are cut anywhere.
public struct ServerSentEvents: Sendable {
    private var rest: [UInt8] = []

    public init() {}

    /// The lines that are whole now, without their ends. Each byte is looked at once, however long a line is.
    public mutating func take(_ bytes: [UInt8]) -> [String] {
        var lines: [String] = []
        var start = 0
        while let end = bytes[start...].firstIndex(of: UInt8(ascii: "\n")) {
            rest += bytes[start..<end]
            lines.append(String(decoding: rest, as: UTF8.self))
            rest.removeAll(keepingCapacity: true)
            start = end + 1
        }
        rest += bytes[start...]
        return lines
    }
}
