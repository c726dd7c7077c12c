#if Server
import ConnlogCore
import ConnlogStore
import ConnlogSystem
import Crypto
import HTTPTypes
import Hummingbird

/// `GET /api/v2/connectionlog/export?format=package&q=&from=&to=&zone=&asked_at=`: evidence for a ticket, as a zip.
///
///     connections.csv   the rows, as an export has them
///     events.jsonl      their events as they were received, row by row, the oldest first
///     manifest.json     what was asked, by whom, and what came of it; see `PackageManifest`
///     SHA256SUMS        for `sha256sum -c`
///
/// The same question gives the same bytes as long as the answer is the same: no clock is in it, unless the question says so
/// (`asked_at`, which relative times of the filter count from; without it they count from now, and the manifest says when
/// that was). Rows are read twice, page by page, and nothing is kept, so memory does not depend on how many there are. Were
/// rows changed by late events meanwhile, the manifest says so: asked once more it will be consistent.
struct PackageHandler {
    private let question: Question
    private var manifest: PackageManifest

    init(
        _ parameters: Parameters, _ asker: Asker, _ parts: APIParts, now: Nanoseconds, version: String
    ) throws(APIError) {
        let from = try parameters.time("from")
        let to = try parameters.time("to")
        if let from, let to, from >= to { throw Parameters.invalid("from", "must be before 'to'") }
        let asked = try parameters.time("asked_at")
        var question = try Question(
            parameters, asker, parts, dialect: .connlog, now: asked?.nanoseconds ?? now,
            by: asked.map { .time($0) } ?? .ifAsked)
        question.query = question.query.beginning(from: from, before: to)
        asker.audit?.note(from: from ?? question.query.begin, to: to ?? question.query.end)
        manifest = PackageManifest(
            filter: question.text, from: from, to: to, zone: question.zone.name,
            askedAt: asked ?? (question.filter.isMoving ? Microseconds(nanoseconds: now) : nil), caller: asker.caller,
            version: version)
        self.question = question
    }

    func respond() async throws -> Response {
        var pages = RowPages(question, after: nil, limit: .max)
        // What is wrong with the question is told before the first byte.
        let first = try await pages.next()
        let (store, everything) = (question.store, question.asker.caller.everything)
        var manifest = manifest
        manifest.storeBegins = try await question.ask { try await store.oldest(everything) }
        let warnings = try await Warnings(question, isEmpty: first == nil).all
        var headers = HTTPFields()
        if !warnings.isEmpty, let header = Warnings.header { headers[header] = Warnings.headerText(warnings) }
        headers[.contentType] = "application/zip"
        headers[.contentDisposition] = "attachment; filename=\"\(manifest.fileName)\""
        let body = ResponseBody { [manifest, pages] writer in
            var manifest = manifest
            let package = PackageWriter()
            package.begin("connections.csv")
            package.write(RowCSV.header)
            let before = try await connections(pages, first, package, &manifest, &writer)
            package.end()
            package.begin("events.jsonl")
            let after = try await events(package, &manifest, &writer)
            package.end()
            manifest.isChanged = before != after
            package.add("manifest.json", manifest.text(package.files))
            package.add("SHA256SUMS", package.sums)
            package.finish()
            try await package.hand(over: &writer)
            try await writer.finish(nil)
        }
        return Response(status: .ok, headers: headers, body: body)
    }

    /// - Returns: a digest of which rows there were, and of how many events each.
    @concurrent private func connections(
        _ start: RowPages, _ first: [ConnectionRow]?, _ package: PackageWriter, _ manifest: inout PackageManifest,
        _ writer: inout any ResponseBodyWriter
    ) async throws -> [UInt8] {
        var (pages, rows, digest) = (start, first, SHA256())
        while let page = rows {
            let text = page.map { RowCSV.line($0, question.json) }.joined()
            pages.written(page, bytes: text.utf8.count)
            package.write(text)
            manifest.connections += page.count
            manifest.eventsCounted += page.reduce(0) { $0 + $1.session.events }
            PackageHandler.note(page, &digest)
            try await question.asker.check()
            try await package.hand(over: &writer)
            rows = try await pages.next()
        }
        return Array(digest.finalize())
    }

    @concurrent private func events(
        _ package: PackageWriter, _ manifest: inout PackageManifest, _ writer: inout any ResponseBodyWriter
    ) async throws -> [UInt8] {
        var (pages, digest) = (RowPages(question, after: nil, limit: .max), SHA256())
        pages.isCounted = false
        let caller = question.asker.caller
        // Events of two organizations may be one row, if somebody hands such in.
        var matcher = caller.isLimited ? EventMatcher(caller.everything) : nil
        while let rows = try await pages.next() {
            pages.written(rows, bytes: rows.count << 8)
            PackageHandler.note(rows, &digest)
            var place: SlicePlace? = SlicePlace()
            while let start = place {
                let store = question.store
                let slice = try await question.ask {
                    try await store.events(of: rows, from: start, bytesMax: PageSize.bytes)
                }
                for (_, event) in slice.events where matcher == nil || matcher?.event(event.line) != nil {
                    package.write(event.line, newLine: true)
                    manifest.events += 1
                }
                try await question.asker.check()
                try await package.hand(over: &writer)
                place = slice.next
            }
        }
        return Array(digest.finalize())
    }

    private static func note(_ rows: [ConnectionRow], _ digest: inout SHA256) {
        for row in rows { digest.update(data: Array("\(row.id ?? "") \(row.position) \(row.session.events)\n".utf8)) }
    }
}
#endif
