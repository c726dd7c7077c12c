import ConnlogConfig
import Foundation

/// Schemas of the shapes that the real ones have, so that these tests stand on their own.
enum TestSchemas {
    static let file = SectionSchema(
        kind: "sink", type: "file", isNamed: true, summary: "Writes events to files.",
        keys: [
            Key("path", .path, required: true, example: "/var/log/connlog/connections.jsonl", help: "The file."),
            Key("format", .choice(["json", "human", "rfc5424"]), default: "json", help: "How events are written."),
            Key("rotate_size", .size(1024...1 << 40), default: "100MiB", help: "A new file at this size."),
            Key("keep", .integer(1...10000), default: "14", help: "How many rotated files are kept."),
            Key("mode", .fileMode, default: "0640", help: "Mode of the files."),
        ] + CommonSinkKeys.all)

    static let syslog = SectionSchema(
        kind: "sink", type: "syslog", isNamed: true, summary: "Sends events to a syslog receiver.",
        keys: [
            Key(
                "transport", .choiceWithPlanned(["udp", "tcp"], planned: ["tls", "relp", "relp_tls", "unix"]),
                default: "tcp", help: "How."),
            Key("address", .address, required: true, example: "siem.example.com:6514", help: "The receiver."),
            Key("tls_verify", .boolean, default: "true", help: "Whether the certificate is checked."),
            Key("tls_ca", .path, example: "/etc/connlog/ca.pem", help: "Who may sign it."),
        ] + CommonSinkKeys.all)

    static let splunk = SectionSchema(
        kind: "sink", type: "splunk_hec", isNamed: true, summary: "Sends events to Splunk.",
        keys: [
            Key("url", .urls, required: true, example: "https://splunk.example.com:8088", help: "The collectors."),
            Key("token", .secret, required: true, example: "${file:/run/secrets/splunk-hec}", help: "The HEC token."),
            Key("proxy", .string, example: "http://proxy.example.com:3128", help: "A proxy."),
            Key(
                "batch_wait", .duration(.milliseconds(1)...(.seconds(3600))), default: "1s", help: "At most this long."),
            Key("labels", .list, default: "", help: "Labels."),
            Key("spool", .path, default: "${data_dir}/spool", help: "Where bodies wait."),
        ] + CommonSinkKeys.all)

    static let source = SectionSchema(
        kind: "source", type: "file", isNamed: true, summary: "Follows files.",
        keys: [
            Key("path", .list, required: true, example: "/var/log/coder/*.log", help: "Globs."),
            Key("max_line", .size(1024...1 << 30), default: "1MiB", help: "The longest line."),
        ])

    static let stdin = SectionSchema(
        kind: "source", type: "stdin", isNamed: true, summary: "Reads standard input.", keys: [])

    static let all = [SectionSchema.connlog, source, stdin, file, syslog, splunk]
}

/// A folder for one test's files, removed with the last reference.
final class ConfigFolder: Sendable {
    let path: String

    init() throws {
        path = NSTemporaryDirectory() + "connlog-config-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func write(_ text: String, to name: String) throws { try write(Array(text.utf8), to: name) }

    func write(_ bytes: [UInt8], to name: String) throws {
        let file = URL(fileURLWithPath: path).appendingPathComponent(name)
        try FileManager.default.createDirectory(
            at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(bytes).write(to: file)
    }

    func load(_ name: String = "connlog.ini", environment: [String: String] = [:]) -> LoadedConfiguration {
        Configuration.load(
            path + "/" + name, schemas: TestSchemas.all, planned: .forwarder, environment: Environment(environment))
    }

    /// The text with the folder's own path taken out.
    func neutral(_ text: String) -> String {
        text.replacingOccurrences(of: path + "/", with: "").replacingOccurrences(of: path, with: "TMP")
    }
}

/// Loads one configuration given as text.
func load(_ text: String, environment: [String: String] = [:]) throws -> LoadedConfiguration {
    try load(Array(text.utf8), environment: environment)
}

func load(_ bytes: [UInt8], environment: [String: String] = [:]) throws -> LoadedConfiguration {
    let folder = try ConfigFolder()
    try folder.write(bytes, to: "connlog.ini")
    return folder.load(environment: environment)
}

/// The smallest configuration that is right, followed by `rest`.
func minimal(_ rest: String = "") -> String {
    """
    [source "in"]
    type = stdin
    [sink "out"]
    type = file
    path = /tmp/out
    \(rest)
    """
}

/// The input of a golden file: `connlog.ini`, then other files and the environment, each after its own line.
///
///     [connlog]
///     include = conf.d/*.ini
///     ==> conf.d/a.ini <==
///     [connlog]
///     ==> environment <==
///     NAME=value
///
/// `TMP` stands for the folder of the files.
struct GoldenInput {
    let folder: ConfigFolder
    var environment: [String: String] = [:]

    init(_ text: String) throws {
        folder = try ConfigFolder()
        var files: [(name: String, lines: [Substring])] = [("connlog.ini", [])]
        for line in text.dropLast().split(separator: "\n", omittingEmptySubsequences: false) {
            if line.hasPrefix("==> "), line.hasSuffix(" <==") {
                files.append((String(line.dropFirst(4).dropLast(4)), []))
            } else {
                files[files.count - 1].lines.append(line)
            }
        }
        for file in files {
            let text = file.lines.map { $0 + "\n" }.joined().replacingOccurrences(of: "TMP", with: folder.path)
            if file.name == "environment" {
                for line in text.split(separator: "\n") {
                    let halves = line.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                    environment[String(halves[0])] = String(halves[1])
                }
            } else {
                try folder.write(text, to: file.name)
            }
        }
    }

    func load() -> LoadedConfiguration { folder.load(environment: environment) }
}
