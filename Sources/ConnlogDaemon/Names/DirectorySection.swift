import ConnlogCoder
import ConnlogConfig
import ConnlogCore
import ConnlogPipeline

/// `[directory "name"]`: where the names are that go with ids.
enum DirectorySection {
    static let schemas = [csv, coder]

    private static let csv = SectionSchema(
        kind: "directory", type: "csv", isNamed: true, example: "people",
        summary: "Names of users or organizations, which events do not carry, out of a CSV file.",
        keys: [
            Key(
                "path", .path, required: true, example: "/etc/connlog/users.csv",
                help: "A file with a header line: id,username,email,name[,deleted] for users, "
                    + "id,name,display_name,icon for organizations. It is read again when it changes; with a mistake in it, "
                    + "the names from before stay.")
        ])

    private static let coder = SectionSchema(
        kind: "directory", type: "coder_api", isNamed: true, example: "coder",
        summary: "Names of users and organizations from Coder itself, kept in data_dir for when it does not answer.",
        keys: [
            CoderKeys.url,
            Key(
                "token", .secret, required: true, example: "${file:/run/secrets/coder-token}",
                help:
                    "A session token of a user with the role auditor; a file is read again for each question, so a new "
                    + "token needs no restart. 'coder tokens create --lifetime 8760h' makes one."),
            Key(
                "interval", .duration(.seconds(60) ... .seconds(7 * 86_400)), default: "15m",
                help: "How often all users are read; those that are new are looked for each minute."),
            CoderKeys.headers,
            Key(
                "timeout", .duration(.seconds(1) ... .seconds(600)), default: "60s", help: "For one answer."),
        ] + HTTPKeys.all)

    /// The files with its names.
    static func sources(_ section: Section, in dataDirectory: String) -> [NameDirectory.Source] {
        let name = section.name ?? ""
        guard section.type == "coder_api" else {
            return [NameDirectory.Source(name: name, path: section.string("path"))]
        }
        let file = NamesFile(name, in: dataDirectory)
        return [file.users, file.organizations].map { NameDirectory.Source(name: name, path: $0, isOwn: true) }
    }

    /// How to ask Coder; `nil` for one of another type.
    static func api(_ section: Section, version: String) throws(Diagnostic) -> CoderAPI? {
        guard section.type == "coder_api" else { return nil }
        guard let token = section.secretReference("token") else { throw section.error("token", "is missing") }
        return try CoderKeys.api(section, token: token, version: version)
    }
}

/// What every section says that asks a Coder.
enum CoderKeys {
    static let url = Key(
        "url", .urls, required: true, example: "https://coder.example.com",
        help: "Where Coder answers, as browsers have it (CODER_ACCESS_URL).")
    static let headers = Key(
        "headers", .secret, example: "X-Proxy-Key=secret, X-Other=value",
        help: "Headers that a proxy before Coder wants, name=value, separated by commas.")

    /// - Parameter token: connlog's own; `nil` where it asks with those of others.
    static func api(_ section: Section, token: SecretReference?, version: String) throws(Diagnostic) -> CoderAPI {
        try maker(section, token: token, version: version)()
    }

    /// What makes one, for when it is needed.
    static func maker(
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
            let pair = part.split(separator: "=", maxSplits: 1).map { $0.trimmingBlanks }
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

extension Substring {
    fileprivate var trimmingBlanks: String {
        var text = drop { $0 == " " }
        while text.last == " " { text.removeLast() }
        return String(text)
    }
}
