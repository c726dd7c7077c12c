package import ConnlogCore
import ConnlogSystem

/// What is wrong with a query on the command line, as the configuration tells its mistakes:
///
///     'lots' is not a code; write one such as 403, or a range such as 400-599
///         type:ssh code:lots
///                  ^
package enum QueryMistakes {
    package static func text(_ query: String, _ mistakes: [(detail: String, start: Int?)]) -> String {
        mistakes.map { mistake in
            guard let excerpt = mistake.start.flatMap({ CaretExcerpt.text(query, byte: $0) }) else {
                return mistake.detail
            }
            return "\(mistake.detail)\n\(excerpt)"
        }.joined(separator: "\n")
    }

    package static func text(_ query: String, _ errors: FilterErrors) -> String {
        text(query, errors.all.map { ($0.detail, $0.range.lowerBound) })
    }

    /// What a list's answer warns of, as mistakes are told; `nil` when it warns of nothing.
    package static func warnings(_ query: String, _ answer: [UInt8]) -> String? {
        guard let end = answer.lastIndex(of: UInt8(ascii: "}")), answer.first == UInt8(ascii: "{") else { return nil }
        var members = JSONMembers(answer.span, 0..<end + 1)
        while let member = members.next() {
            guard JSONText.string(answer.span, member.key) == "warnings", member.value.kind == .array else { continue }
            let told = told(answer, member.value.range)
            return told.isEmpty ? nil : text(query, told)
        }
        return nil
    }

    /// What a server tells of a query: each object of an array of `validations`, or of `warnings`.
    static func told(_ body: [UInt8], _ array: Range<Int>) -> [(detail: String, start: Int?)] {
        var mistakes: [(detail: String, start: Int?)] = []
        // Its items are read as if each were a member's value.
        let items = Array("{\"\":".utf8) + body[array].dropFirst().dropLast() + Array("}".utf8)
        var place = 0
        while let start = items[place...].dropFirst(place == 0 ? 1 : 0).firstIndex(of: UInt8(ascii: "{")) {
            let piece = Array("{\"\":".utf8) + items[start...]
            var outer = JSONMembers(piece.span, 0..<piece.count)
            guard let item = outer.next(), item.value.kind == .object else { break }
            var members = JSONMembers(piece.span, item.value.range)
            var (detail, at) = ("", Int?.none)
            while let member = members.next() {
                let value = JSONText.string(piece.span, member.value.range)
                switch JSONText.string(piece.span, member.key) {
                case "detail": detail = value
                case "start": at = Int(value)
                default: continue
                }
            }
            mistakes.append((detail, at))
            place = start + item.value.range.count
        }
        return mistakes
    }
}

/// A server's answer that is no answer, in words.
package struct ServerMistake: Sendable {
    private let status: Int
    private var message = ""
    private var detail = ""
    private var mistakes: [(detail: String, start: Int?)] = []

    /// - Parameter body: JSON in the shape of Coder's API, or anything else.
    package init(status: Int, body: [UInt8]) {
        self.status = status
        let bytes = body.span
        guard let first = body.firstIndex(where: { $0 > 0x20 }), let last = body.lastIndex(where: { $0 > 0x20 }),
            body[first] == UInt8(ascii: "{"), body[last] == UInt8(ascii: "}")
        else {
            message = String(decoding: body.prefix(300), as: UTF8.self)
            return
        }
        var members = JSONMembers(bytes, first..<last + 1)
        while let member = members.next() {
            switch JSONText.string(bytes, member.key) {
            case "message": message = JSONText.string(bytes, member.value.range)
            case "detail": detail = JSONText.string(bytes, member.value.range)
            case "validations" where member.value.kind == .array:
                mistakes = QueryMistakes.told(body, member.value.range)
            default: continue
            }
        }
    }

    /// What to tell, and how the command ends: a query or a token that is wrong is a mistake of who asks.
    package func error(_ server: String, query: String) -> ToolError {
        if status == 400, !mistakes.isEmpty {
            return ToolError(QueryMistakes.text(query, mistakes), status: .usage)
        }
        let words = [message, detail].filter { !$0.isEmpty }.joined(separator: " ")
        switch status {
        case 401:
            return ToolError(
                "\(server) does not know the token, or got none; give one with --token-file or in CONNLOG_TOKEN",
                status: .usage)
        case 403:
            return ToolError(
                "\(server): the token's holder may not ask this: connections are for an auditor or an admin, and who asked for an "
                    + "admin of all organizations", status: .usage)
        case 400: return ToolError("\(server): \(words)", status: .usage)
        default: return ToolError("\(server): \(status): \(words)")
        }
    }
}
