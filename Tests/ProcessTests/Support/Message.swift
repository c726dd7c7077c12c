import Foundation

/// A syslog message as a receiver understood it.
struct Message: Decodable, Equatable {
    var pri: Int
    /// UTC with six fractional digits and a Z.
    var timestamp: String
    var hostname: String
    var app: String
    /// Nil where nobody can know it.
    var procid: String?
    var msgid: String
    /// By SD-ID, then by parameter name.
    var sd: [String: [String: String]]
    var msg: String?

    /// The name that an event keeps everywhere.
    var eventID: String { sd.values.lazy.compactMap { $0["eid"] }.first ?? "-" }

    private enum Key: String, CodingKey { case pri, timestamp, hostname, app, procid, msgid, sd, msg }

    /// Reads the forms of the receivers: `sd` may be a dictionary, name and value pairs, or the text of the message.
    init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: Key.self)
        // rsyslog and syslog-ng write their properties as text.
        if let text = try? values.decode(String.self, forKey: .pri) {
            pri = Int(text) ?? -1
        } else {
            pri = try values.decode(Int.self, forKey: .pri)
        }
        let stamp = try values.decode(String.self, forKey: .timestamp)
        timestamp = stamp.hasSuffix("+00:00") ? stamp.dropLast(6) + "Z" : stamp
        hostname = try values.decode(String.self, forKey: .hostname)
        app = try values.decode(String.self, forKey: .app)
        procid = try values.decodeIfPresent(String.self, forKey: .procid)
        msgid = try values.decode(String.self, forKey: .msgid)
        // syslog-ng takes the byte order mark off, rsyslog keeps it.
        let text = try values.decodeIfPresent(String.self, forKey: .msg)
        msg = text?.unicodeScalars.first == "\u{feff}" ? text.map { String($0.unicodeScalars.dropFirst()) } : text
        if let plain = try? values.decode([String: [String: String]].self, forKey: .sd) {
            sd = plain
        } else if let pairs = try? values.decode([String: [[String]]].self, forKey: .sd) {
            sd = pairs.mapValues { Dictionary($0.map { ($0[0], $0[1]) }) { first, second in "\(first)|\(second)" } }
        } else {
            sd = try StructuredDataText.parse(values.decode(String.self, forKey: .sd))
        }
    }

    /// The messages of a file with one JSON object a line.
    static func all(in file: URL) throws -> [Message] {
        let decoder = JSONDecoder()
        return try Data(contentsOf: file).split(separator: UInt8(ascii: "\n")).map { line in
            do {
                return try decoder.decode(Message.self, from: Data(line))
            } catch {
                throw Child.Failure(description: "\(error) in \(String(decoding: line, as: UTF8.self))")
            }
        }
    }

    /// Says what differs, field by field; empty when nothing does.
    func differences(from other: Message) -> [String] {
        var found: [String] = []
        func compare(_ name: String, _ mine: String?, _ theirs: String?) {
            if mine != theirs { found.append("\(name): \(mine ?? "nothing") / \(theirs ?? "nothing")") }
        }
        compare("pri", "\(pri)", "\(other.pri)")
        compare("timestamp", timestamp, other.timestamp)
        compare("hostname", hostname, other.hostname)
        compare("app-name", app, other.app)
        if procid != nil, other.procid != nil { compare("procid", procid, other.procid) }
        compare("msgid", msgid, other.msgid)
        for element in Set(sd.keys).union(other.sd.keys).sorted() {
            let (mine, theirs) = (sd[element] ?? [:], other.sd[element] ?? [:])
            for name in Set(mine.keys).union(theirs.keys).sorted() {
                compare("[\(element)] \(name)", mine[name], theirs[name])
            }
        }
        if let msg, let theirs = other.msg { compare("msg", msg, theirs) }
        return found
    }
}

/// Structured data as it stands in a message (RFC 5424 §6.3), read into names and values.
enum StructuredDataText {
    static func parse(_ text: String) throws -> [String: [String: String]] {
        var found: [String: [String: String]] = [:]
        var rest = Substring(text)
        guard text != "-", !text.isEmpty else { return found }
        while rest.popFirst() == "[" {
            let identifier = String(take(while: { $0 != " " && $0 != "]" }, from: &rest))
            found[identifier] = [:]
            while rest.first == " " {
                rest.removeFirst()
                let name = String(take(while: { $0 != "=" }, from: &rest))
                rest = rest.dropFirst(2)
                found[identifier, default: [:]][name] = value(&rest)
            }
            guard rest.popFirst() == "]" else { break }
        }
        guard rest.isEmpty else { throw Child.Failure(description: "not structured data: \(text)") }
        return found
    }

    private static func take(while fits: (Character) -> Bool, from rest: inout Substring) -> Substring {
        let taken = rest.prefix(while: fits)
        rest = rest.dropFirst(taken.count)
        return taken
    }

    /// A value up to and with its closing quote. Only `"`, `\` and `]` can be escaped.
    private static func value(_ rest: inout Substring) -> String {
        var text = ""
        while let next = rest.popFirst(), next != "\"" {
            if next == "\\", let escaped = rest.first, "\"\\]".contains(escaped) {
                text.append(rest.removeFirst())
            } else {
                text.append(next)
            }
        }
        return text
    }
}
