#if Server
import ConnlogCore
import ConnlogStore

/// `manifest.json` of an evidence package: what was asked, and what came of it. Its keys are sorted.
///
///     asked_at          when, if the question says so, or has times that count from then or asks for what is open or lost
///                       then; else null, and connections without an end are `ongoing` in connections.csv, whatever the time
///     asked_by          name and role of the token, and the only organizations it sees (ids; null: all)
///     changed_meanwhile rows were changed while they were read, so that the two files may differ in them
///     connlog_version
///     counts            connections (lines of connections.csv but the first), events (lines of events.jsonl), and
///                       events_left_out: those of these connections that are only counted, or no longer there (the first
///                       two hundred of a connection are kept); null where who asked may see some organizations only
///     files             bytes and SHA-256 of the files before this one
///     filter            as it was written
///     range             connections that began at or after `from` and before `to`; null: from the first, to the last
///     schema            connlog-evidence-package/1
///     store_begins      when the oldest connection began of those that who asked may see; before it nothing is known
///     zone              of the question; all times are in UTC
struct PackageManifest: Sendable {
    static let schema = "connlog-evidence-package/1"

    let filter: String
    let from: Microseconds?
    let to: Microseconds?
    let zone: String
    let askedAt: Microseconds?
    let caller: Caller
    let version: String
    var storeBegins: Microseconds?
    var connections = 0
    var events = 0
    /// Of these connections, whether they are in the package or not.
    var eventsCounted = 0
    var isChanged = false

    init(
        filter: String, from: Microseconds?, to: Microseconds?, zone: String, askedAt: Microseconds?, caller: Caller,
        version: String
    ) {
        (self.filter, self.from, self.to, self.zone) = (filter, from, to, zone)
        (self.askedAt, self.caller, self.version) = (askedAt, caller, version)
    }

    func text(_ files: [PackageWriter.File]) -> String {
        let organizations = caller.organizations.map { JSONValue.array($0.sorted().map { .string($0) }) } ?? .null
        let manifest: JSONValue = [
            "asked_at": JSONValue(askedAt?.text),
            "asked_by": [
                "name": .string(caller.name), "organizations": organizations, "role": .string(caller.role.rawValue),
            ],
            "changed_meanwhile": .boolean(isChanged),
            "connlog_version": .string(version),
            "counts": [
                "connections": JSONValue(connections), "events": JSONValue(events),
                "events_left_out": caller.isLimited ? .null : JSONValue(max(0, eventsCounted - events)),
            ],
            "files": .object(
                files.sorted { $0.name < $1.name }.map { file in
                    .init(key: file.name, value: ["bytes": JSONValue(file.bytes), "sha256": .string(file.sha256)])
                }),
            "filter": .string(filter),
            "range": ["from": JSONValue(from?.text), "to": JSONValue(to?.text)],
            "schema": .string(PackageManifest.schema),
            "store_begins": JSONValue(storeBegins?.text),
            "zone": .string(zone),
        ]
        return manifest.document
    }

    /// `connlog_type_ssh_2026-01-01T000000Z_2026-01-02T000000Z.zip`: what it is about, in letters that every system takes.
    var fileName: String {
        let words = filter.isEmpty ? "all" : PackageManifest.plain(filter, max: 60)
        let ends = [from, to].map {
            $0.map { PackageManifest.plain($0.text.replacing(":", with: ""), max: 40) } ?? "open"
        }
        return "connlog_\(words.isEmpty ? "filtered" : words)_\(ends[0])_\(ends[1]).zip"
    }

    /// Whoever writes a link must not choose where the file goes or what opens it.
    private static func plain(_ text: String, max: Int) -> String {
        var plain = ""
        for scalar in text.unicodeScalars {
            let isPlain =
                scalar.isASCII && (scalar.properties.isAlphabetic || ("0"..."9").contains(scalar) || scalar == "-")
            if isPlain {
                plain.unicodeScalars.append(scalar)
            } else if !plain.hasSuffix("_"), !plain.isEmpty {
                plain += "_"
            }
            if plain.utf8.count == max { break }
        }
        while plain.hasSuffix("_") { plain.removeLast() }
        return plain
    }
}
#endif
