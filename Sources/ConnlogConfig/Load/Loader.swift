import ConnlogSystem

/// Reads a configuration: parse the file, then those it includes, put them together, check everything, and keep what
/// was found wrong on the way.
struct Loader {
    let schemas: [SectionSchema]
    let planned: Planned
    let environment: Environment
    let needed: Set<String>?
    private var files: [ParsedFile] = []
    private var diagnostics: [Diagnostic] = []
    private var merger = Merger()
    private var identities: Set<FileIdentity> = []
    private var hasBrokenHeading = false
    private var plainKeys: Set<Place> = []

    init(schemas: [SectionSchema], planned: Planned, environment: Environment, needed: Set<String>? = nil) {
        self.needed = needed
        self.schemas = schemas.contains { $0.kind == "connlog" } ? schemas : [.connlog] + schemas
        self.planned = planned
        self.environment = environment
    }

    mutating func load(_ path: String) -> LoadedConfiguration {
        guard read(path, from: nil) else { return finished(nil, main: path) }
        include(main: path)
        let sections = check(main: path)
        diagnostics += merger.diagnostics
        requireSourceAndSink(main: path)
        var configuration: Configuration?
        if let connlog = sections.first(where: { $0.kind == "connlog" }) {
            configuration = Configuration(path: path, connlog: connlog, sections: sections, schemas: schemas)
            if connlog.standIns.isEmpty { diagnostics += crossChecks(connlog) }
        }
        return finished(configuration, main: path)
    }

    private func finished(_ configuration: Configuration?, main: String) -> LoadedConfiguration {
        LoadedConfiguration(
            configuration: configuration, diagnostics: diagnostics,
            sources: SourceLines(files, main: main, plainKeys: plainKeys, schemas: schemas))
    }

    // MARK: Files

    /// Reads, parses and merges one file.
    /// - Parameter place: the `include` that asks for it; `nil` for the main file.
    /// - Returns: whether the file could be read as text.
    private mutating func read(_ path: String, from place: Place?) -> Bool {
        do throws(SystemError) {
            let file = try LocalFile.openRegular(path)
            // A file that is named twice, or includes itself, counts once.
            guard identities.insert(try file.identity()).inserted else { return true }
            return parse(try file.bytes(limit: SourceText.bytesMax).array, path)
        } catch {
            diagnostics.append(unreadable(path, error, from: place))
            return false
        }
    }

    private mutating func parse(_ bytes: [UInt8], _ path: String) -> Bool {
        do throws(Diagnostic) {
            var parser = Parser(try SourceText(bytes, file: path))
            parser.parse()
            diagnostics += parser.diagnostics
            hasBrokenHeading = hasBrokenHeading || parser.hasBrokenHeading
            files.append(parser.file)
            merger.add(parser.file)
            return true
        } catch {
            hasBrokenHeading = true
            diagnostics.append(error)
            return false
        }
    }

    private func unreadable(_ path: String, _ error: SystemError, from place: Place?) -> Diagnostic {
        let advice =
            switch error.code {
            case Errno.notFound:
                place == nil ? "make it, or name another with --config" : "make it, or correct 'include'"
            case Errno.accessDenied: "let the user that runs connlog read it"
            case Errno.isDirectory: "name a file in it"
            case Errno.notRegular: "name a file; pipes and devices are not read"
            default: "see whether the disk is well"
            }
        let subject = place == nil ? "" : "[connlog] include: \(shown(path, charactersMax: 300)) "
        return Diagnostic(.error, place ?? .wholeFile(path), "\(subject)cannot be read: \(error.reason); \(advice)")
    }

    // MARK: Includes

    private mutating func include(main: String) {
        guard let entry = merger.section("connlog")?.entries["include"], let template = entry.value else { return }
        let expander = Expander(environment: environment, dataDirectory: dataDirectory(main: main))
        // What is wrong with the value itself is found again, and told, when the section is checked.
        guard case .success(let expanded) = expander.expand(template), !expanded.isStandIn,
            case .list(let items)? = try? ValueKind.list.value(expanded.text, folder: "")
        else { return }
        for item in items {
            do throws(SystemError) {
                for path in try Includes.files(resolve(item, in: folder(of: main))) {
                    _ = read(path, from: entry.valuePlace)
                }
            } catch {
                diagnostics.append(
                    Diagnostic(
                        .error, entry.valuePlace,
                        "[connlog] include: the folder \(shown(error.subject, charactersMax: 300)) cannot be listed: \(error.reason); let the "
                            + "user that runs connlog read it"))
            }
        }
        refuseNestedIncludes(main: main)
    }

    private mutating func refuseNestedIncludes(main: String) {
        for file in files.dropFirst() {
            for section in file.sections where section.kind == "connlog" {
                for entry in section.entries where entry.key == "include" {
                    diagnostics.append(
                        Diagnostic(
                            .error, entry.place,
                            "[connlog] include: an included file includes no others; name them all in \(shown(main, charactersMax: 300))"
                        ))
                }
            }
        }
    }

    private func dataDirectory(main: String) -> String {
        let fallback = SectionSchema.connlog.keys.first { $0.name == "data_dir" }?.defaultText ?? ""
        guard let entry = merger.section("connlog")?.entries["data_dir"], let template = entry.value, !template.isUnset,
            case .success(let expanded) = Expander(environment: environment).expand(template), !expanded.isStandIn,
            !expanded.text.isEmpty
        else { return fallback }
        return resolve(expanded.text, in: folder(of: entry.place.file))
    }

    // MARK: Checks

    private mutating func check(main: String) -> [Section] {
        var checker = SectionChecker(
            schemas: schemas, planned: planned,
            expander: Expander(environment: environment, dataDirectory: dataDirectory(main: main)), needed: needed)
        var sections = merger.sections
        if merger.section("connlog") == nil {
            sections.append(MergedSection(kind: "connlog", name: nil, place: .wholeFile(main)))
        }
        let checked = sections.compactMap { checker.check($0) }
        diagnostics += checker.diagnostics
        plainKeys = checker.plainKeys
        for duplicate in merger.duplicates where plainKeys.contains(duplicate.first) {
            plainKeys.insert(duplicate.place)
        }
        return checked
    }

    private mutating func requireSourceAndSink(main: String) {
        // With a heading that could not be read nobody knows what is missing.
        if hasBrokenHeading { return }
        // The store is a sink too.
        let kinds = merger.section("store") == nil ? [("source", "coderd"), ("sink", "local")] : [("source", "coderd")]
        for (kind, example) in kinds
        where !merger.sections.contains(where: { $0.kind == kind }) {
            guard let type = schemas.first(where: { $0.kind == kind })?.type else { continue }
            diagnostics.append(
                Diagnostic(
                    .error, .wholeFile(main),
                    "there is no \(kind); add a section [\(kind) \"\(example)\"] with 'type = \(type)'"))
        }
    }

    private func crossChecks(_ connlog: Section) -> [Diagnostic] {
        let segment = connlog.size("segment_size")
        let queue = connlog.size("queue_size")
        if segment.multipliedReportingOverflow(by: 4).overflow || segment * 4 > queue {
            let key = connlog.isSet("segment_size") ? "segment_size" : "queue_size"
            return [
                connlog.error(
                    key,
                    "the queue (\(ByteSize.text(of: queue))) must hold at least four segments of "
                        + "\(ByteSize.text(of: segment)); make segment_size smaller or queue_size larger")
            ]
        }
        return []
    }
}
