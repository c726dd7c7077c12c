import ConnlogConfig
import ConnlogDaemon
import ConnlogPipeline
import ConnlogTestSupport
import Foundation
import Testing

@Suite struct ReferenceTests {
    private let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().appending(path: "config/connlog.ini")

    @Test func `config/connlog.ini is exactly what the keys' tables say`() throws {
        let text = ReferenceText.text(Registry.connlog.reference)
        if GoldenFolder.isRewriting { try text.write(to: file, atomically: true, encoding: .utf8) }
        #expect(try String(contentsOf: file, encoding: .utf8) == text, "CONNLOG_REWRITE_GOLDEN=1 writes it anew")
    }

    @Test func `a key's help is a sentence, or begins with the value that it explains`() {
        for schema in Registry.connlog.schemas {
            let values = schema.keys.flatMap { key in
                switch key.kind {
                case .choice(let words), .choiceWithPlanned(let words, planned: _): words
                default: [String]()
                }
            }
            for key in schema.keys {
                let first = key.help.prefix { $0.isLetter || $0.isNumber || $0 == "_" }
                let begins = first.first?.isUppercase == true || (values + ["kern"]).contains(String(first))
                #expect(begins && key.help.hasSuffix("."), "\(schema.type ?? schema.kind): \(key.name): \(key.help)")
            }
        }
    }

    @Test func `config/connlog.ini loads`() {
        let loaded = Plan.checked(Registry.connlog.load(file.path))
        #expect(!loaded.hasErrors, "\(loaded.report(color: false))")
    }

    @Test func `config/connlog.ini loads with every key in use`() throws {
        let text = try String(contentsOf: file, encoding: .utf8)
        let used = text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
            line.hasPrefix("#") && !line.hasPrefix("# ") && line != "#" ? String(line.dropFirst()) : String(line)
        }
        let folder = FileManager.default.temporaryDirectory.appending(path: "reference-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let copy = folder.appending(path: "connlog.ini")
        // Secrets come from files that are not there in a test.
        let readable = used.joined(separator: "\n")
            .replacing(#/\$\{(file|credential):[^}]*\}/#, with: "secret")
        try readable.write(to: copy, atomically: true, encoding: .utf8)
        let loaded = Plan.checked(Registry.connlog.load(copy.path))
        #expect(!loaded.hasErrors, "\(loaded.report(color: false))")
    }
}
