internal import ConnlogCore
internal import ConnlogSystem

/// Why Coder's API did not give what it was asked for: a sentence with what to do about it.
package struct CoderTrouble: Error, Sendable, Equatable, CustomStringConvertible {
    package enum Kind: Sendable, Equatable {
        /// The token is not good any more, or was never.
        case token
        /// The token's owner may not see this.
        case forbidden
        /// There is no such thing, or nothing that may be seen.
        case notFound
        /// The question is not understood, as by an older Coder.
        case refused
        /// Too many questions; the pause is Coder's own.
        case busy(Duration)
        /// No answer, or one that says that there is none now.
        case away
        /// An answer that is none of Coder's.
        case strange
    }

    package let kind: Kind
    package let description: String

    init(_ kind: Kind, _ description: String) {
        self.kind = kind
        self.description = description
    }
}

extension CoderTrouble {
    /// Without a reply.
    init(_ failure: HTTPFailure, _ base: String) {
        self.init(.away, "\(base) does not answer: \(failure.text)")
    }

    /// What the table is called where it is asked for.
    static let rows = "connection logs"

    /// - Parameter what: what was asked for, in words.
    init(_ response: HTTPResponse, _ what: String, _ base: String) {
        let said = CoderTrouble.words(response.body)
        let quoted = said.isEmpty ? "" : " (\"\(said)\")"
        switch response.status {
        case 401:
            self.init(
                .token,
                "\(base) does not take the token\(quoted); make a new one ('coder tokens create --lifetime 8760h') for a "
                    + "user with the role auditor and put it in its place: it is read again each time")
        case 403 where said.contains("Premium"):
            self.init(
                .forbidden,
                "\(base) has no licence for \(what)\(quoted); they need Coder Premium, with connection logs in its licence"
            )
        case 403:
            self.init(
                .forbidden,
                "\(base) does not let the token's user see \(what)\(quoted); give that user the role auditor, or its "
                    + "organization's")
        case 404:
            let needs = what == CoderTrouble.rows ? " Connection logs need 2.25 or newer, and Coder Premium" : ""
            self.init(
                .notFound, "\(base) has no \(what)\(quoted); is url the address at which Coder itself answers?\(needs)")
        case 428, 429:
            self.init(
                .busy(CoderTrouble.pause(response.retryAfter)), "\(base) has been asked too often\(quoted)")
        case 400..<500: self.init(.refused, "\(base) does not understand what it was asked\(quoted)")
        case 500...: self.init(.away, "\(base) answers \(response.status)\(quoted)")
        case 300..<400:
            self.init(
                .strange,
                "\(base) sends connlog to another address, where it does not carry the token; give url the address at "
                    + "which Coder itself answers")
        default: self.init(.strange, "\(base) answers \(response.status), which is none of Coder's answers")
        }
    }

    /// Retry-After in seconds, from a second to an hour.
    private static func pause(_ text: String?) -> Duration {
        .seconds(min(3600, max(1, text.flatMap { Int($0) } ?? 60)))
    }

    /// What Coder's own error says, in one line without anything that a terminal would take for an order.
    private static func words(_ body: [UInt8]) -> String {
        guard let error = try? JSONValue(reading: body) else { return "" }
        let text = [error["message"]?.string, error["detail"]?.string].compactMap { $0 }.filter { !$0.isEmpty }
        let line = text.joined(separator: " ").unicodeScalars.filter { $0.value >= 0x20 && $0.value != 0x7f }
        return String(String(String.UnicodeScalarView(line)).prefix(200))
    }
}
