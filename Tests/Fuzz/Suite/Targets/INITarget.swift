import ConnlogSinks
import ConnlogSources

@testable import ConnlogConfig

/// A configuration: every mistake has a place inside it, nothing that a terminal would obey is printed, a secret is
/// never shown, and line ends do not matter.
enum INITarget {
    private static let schemas: [SectionSchema] =
        [.connlog, FileSource.schema, StdinSource.schema]
        + [FileSinkKind.schema, SyslogSinkKind.schema, SplunkHECSinkKind.schema].map { schema in
            SectionSchema(
                kind: schema.kind, type: schema.type, isNamed: true, summary: schema.summary,
                keys: schema.keys + CommonSinkKeys.all)
        }
    private static let secret = "hunter2-hunter2"
    private static let head = Array(
        "[sink \"s\"]\ntype = splunk_hec\nurl = http://127.0.0.1:1\ntoken = \(secret)\n".utf8)

    static func check(_ bytes: [UInt8]) throws(Finding) {
        let plain = try Read(bytes, schemas)
        // Each of these costs as much as all the rest, so some inputs have to do.
        if bytes.count % 8 == 0, !bytes.contains(0x0d) {
            let dos = bytes.flatMap { $0 == 0x0a ? [0x0d, 0x0a] : [$0] }
            // A line end that is missing at the end stays missing.
            let other = try Read(dos, schemas)
            try expect(other.said == plain.said, "CRLF: \(other.said), LF: \(plain.said)")
        }
        guard bytes.count % 8 == 1 else { return }
        let secretly = try Read(head + bytes, schemas)
        guard !String(decoding: bytes, as: UTF8.self).contains("hunter2") else { return }
        try expect(!secretly.said.contains("hunter2"), "the secret is told: \(secretly.said)")
    }

    /// A configuration as it is read, but for files that others name.
    private struct Read {
        private(set) var said: String

        init(_ bytes: [UInt8], _ schemas: [SectionSchema]) throws(Finding) {
            let name = "connlog.ini"
            let text: SourceText
            do throws(Diagnostic) {
                text = try SourceText(bytes, file: name)
            } catch {
                try Read.check(error, lines: Read.lengths(bytes))
                said = "\(error.place.text) \(error.message)"
                return
            }
            var parser = Parser(text)
            parser.parse()
            var merger = Merger()
            merger.add(parser.file)
            var diagnostics = parser.diagnostics + merger.diagnostics
            var sections: [Section] = []
            var checker = SectionChecker(
                schemas: schemas, planned: Planned(),
                expander: Expander(environment: Environment(["A": "b"]), dataDirectory: "/d"))
            // A reference to a file is no affair of the parser's.
            if !String(decoding: bytes, as: UTF8.self).contains("${") {
                sections = merger.sections.compactMap { checker.check($0) }
                diagnostics += checker.diagnostics
            }
            let loaded = LoadedConfiguration(
                configuration: sections.first { $0.kind == "connlog" }.map {
                    Configuration(path: name, connlog: $0, sections: sections, schemas: schemas)
                },
                diagnostics: diagnostics,
                sources: SourceLines([parser.file], main: name, plainKeys: checker.plainKeys, schemas: schemas))
            for diagnostic in loaded.diagnostics.flatMap({ [$0] + $0.notes }) {
                try Read.check(diagnostic, lines: text.lines.map(\.count))
            }
            said = loaded.report(color: false) + (loaded.configuration?.effectiveText ?? "")
            let isPrintable = said.unicodeScalars.allSatisfy {
                $0 == "\n" || $0 == "\t" || $0.value >= 0x20 && $0.value != 0x7f
            }
            try expect(isPrintable, "a control character in what is told: \(said)")
        }

        private static func lengths(_ bytes: [UInt8]) -> [Int] {
            bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
                .map { String(decoding: $0, as: UTF8.self).count }
        }

        private static func check(_ diagnostic: Diagnostic, lines: [Int]) throws(Finding) {
            let place = diagnostic.place
            try expect(!diagnostic.message.isEmpty, "an empty message at \(place.text)")
            if place.line == 0 { return }
            try expect(lines.indices.contains(place.line - 1), "\(place.text) of \(lines.count) lines")
            try expect(
                (1...(lines[place.line - 1] + 1)).contains(place.column), "\(place.text): \(diagnostic.message)")
        }
    }
}
