package import ConnlogConfig
import ConnlogCore
import ConnlogPipeline
import ConnlogSystem

/// A kind of source whose section says which Coder to ask, and with which token.
package protocol AsksCoder {}

/// The keys of whatever asks Coder's API: `[directory]` and `[source]` of type `coder_api`, `[access]` of type `coder`.
package enum CoderKeys {
    package static let url = Key(
        "url", .urls, required: true, example: "https://coder.example.com",
        help: "Where Coder answers, as browsers have it (CODER_ACCESS_URL).")
    package static let token = Key(
        "token", .secret, required: true, example: "${file:/run/secrets/coder-token}",
        help:
            "A session token of a user with the role auditor; a file is read again for each question, so a new "
            + "token needs no restart. 'coder tokens create --lifetime 8760h' makes one.")
    /// What comes after the keys that are the section's own.
    package static let rest =
        [
            headers,
            Key(
                "timeout", .duration(.seconds(1) ... .seconds(600)), default: "60s", help: "For one answer."),
        ] + HTTPKeys.all
    package static let headers = Key(
        "headers", .secret, example: "X-Proxy-Key=secret, X-Other=value",
        help: "Headers that a proxy before Coder wants, name=value, separated by commas.")

    /// How to ask the Coder of a section, with its token.
    /// - Parameter version: names connlog to Coder.
    package static func api(_ section: Section, version: String) throws(Diagnostic) -> CoderAPI {
        guard let token = section.secretReference("token") else { throw section.error("token", "is missing") }
        return try maker(section, token: token, version: version)()
    }

    /// What makes one, for when it is needed.
    /// - Parameter token: connlog's own; `nil` where it asks with those of others.
    package static func maker(
        _ section: Section, token: SecretReference? = nil, version: String
    ) throws(Diagnostic) -> @Sendable () -> CoderAPI {
        let urls = section.list("url")
        guard let url = urls.first, urls.count == 1 else { throw section.error("url", "is one address") }
        let rest = url.split(separator: "/", omittingEmptySubsequences: true)
        guard !url.contains("?"), !url.contains("#"), rest.count < 2 || !rest[1].contains("@") else {
            throw section.error("url", "ends with host, port and path; the token is a key of its own")
        }
        let (http, headers) = (try HTTPKeys.settings(section, version: version), try headers(section))
        let timeout = section.duration("timeout")
        return { CoderAPI(url: url, token: token, http: http, headers: headers, timeout: timeout) }
    }

    private static func headers(_ section: Section) throws(Diagnostic) -> [(name: String, value: String)] {
        guard let reference = section.secretReference("headers") else { return [] }
        let text: String
        do throws(SecretError) { text = try reference.read() } catch { throw section.error("headers", "\(error)") }
        var headers: [(name: String, value: String)] = []
        for part in text.split(separator: ",") {
            let pair = part.split(separator: "=", maxSplits: 1).map(\.trimmingBlanks)
            let isName = pair.first?.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7f && $0 != UInt8(ascii: ":") } ?? false
            let isValue = pair.last?.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7f } ?? false
            guard pair.count == 2, isName, isValue, !pair[0].isEmpty else {
                throw section.error("headers", "is no list of name=value")
            }
            headers.append((pair[0], pair[1]))
        }
        return headers
    }
}
