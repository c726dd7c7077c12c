import Synchronization

/// A command of a RELP client, read by the protocol's grammar and nothing of ours.
struct RELPCommand {
    let number: Int
    let name: String
    let data: [UInt8]
}

/// The server's side of one RELP session.
final class RELPTalk {
    let connection: ServedConnection
    private var bytes: [UInt8] = []
    /// What was not as it must be.
    private(set) var complaint: String?

    init(_ connection: ServedConnection) { self.connection = connection }

    /// The next command; `nil` when the client is gone, or breaks the grammar.
    func next() -> RELPCommand? {
        while true {
            if let command = parse() { return command }
            let more = connection.read()
            if more.isEmpty { return nil }
            bytes += more
        }
    }

    /// Whether a whole command has been read already.
    var hasMore: Bool { frameEnd() != nil }

    private func frameEnd() -> (head: [Substring], dataStart: Int, end: Int)? {
        var blanks: [Int] = []
        for (place, byte) in bytes.prefix(80).enumerated() {
            if byte == UInt8(ascii: " ") { blanks.append(place) }
            let isHeadEnd = blanks.count == 3 || byte == UInt8(ascii: "\n")
            guard isHeadEnd else { continue }
            let head = String(decoding: bytes[..<place], as: UTF8.self).split(separator: " ")
            guard head.count == 3, let length = Int(head[2]) else { return nil }
            let end = length == 0 ? place : place + 1 + length
            guard bytes.count > end else { return nil }
            if bytes[end] != UInt8(ascii: "\n") { complaint = "no line feed after \(head)" }
            return (head, length == 0 ? place : place + 1, end)
        }
        return nil
    }

    private func parse() -> RELPCommand? {
        guard let (head, start, end) = frameEnd(), let number = Int(head[0]) else { return nil }
        let command = RELPCommand(number: number, name: String(head[1]), data: Array(bytes[start..<end]))
        bytes.removeFirst(end + 1)
        return command
    }

    func say(_ number: Int, _ command: String, _ data: String) {
        let rest = data.isEmpty ? "" : " \(data)"
        connection.write(Array("\(number) \(command) \(data.utf8.count)\(rest)\n".utf8))
    }

    func answer(_ command: RELPCommand, _ text: String = "200 OK") { say(command.number, "rsp", text) }

    /// Takes the session's first command and agrees to it.
    @discardableResult
    func open(_ offers: String = "200 OK\nrelp_version=0\nrelp_software=test\ncommands=syslog") -> RELPCommand? {
        guard let command = next(), command.name == "open", command.number == 1 else { return nil }
        answer(command, offers)
        return command
    }

    /// Keeps every message, octet-counted, and answers it.
    @Sendable static func serve(_ connection: ServedConnection, _ server: SyslogServer) {
        let talk = RELPTalk(connection)
        talk.open()
        while let command = talk.next(), talk.take(command, server) {}
    }

    /// - Returns: `false` after `close`.
    func take(_ command: RELPCommand, _ server: SyslogServer) -> Bool {
        guard command.name == "syslog" else {
            say(command.number, "rsp", "")
            say(0, "serverclose", "")
            return false
        }
        server.received.add(Array("\(command.data.count) ".utf8) + command.data)
        answer(command)
        return true
    }
}
