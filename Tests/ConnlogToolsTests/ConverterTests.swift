import ConnlogCore
import ConnlogTools
import ConnlogSystem
import Foundation
import Testing

@Suite struct ConverterTests {
    /// What comes out of `connlog convert` for this text, through a real file.
    private func convert(_ text: String, to format: Converter.Format) throws -> (output: String, counts: DecodeCounts) {
        let file = FileManager.default.temporaryDirectory.appending(path: "convert-\(UUID().uuidString)")
        try text.write(to: file, atomically: true, encoding: .utf8)
        defer { try? FileManager.default.removeItem(at: file) }
        let handle = try FileHandle(forReadingFrom: file)
        var converter = Converter(from: .auto, to: format, maxLine: 1 << 20)
        var output = ""
        try converter.run(handle.fileDescriptor) { output += $0.text }
        return (output, converter.counts)
    }

    private let line =
        #"{"ts":"2025-07-03T05:09:41.929840747Z","level":"INFO","msg":"connection_log","caller":"slog.go:38","func":"f","#
        + #""logger_names":["coderd"],"fields":{"ID":"ca5dfc63-dc43-463a-bb3e-38526866fd4b","WorkspaceName":"dev","#
        + #""AgentName":"main","Type":"ssh","Code":null,"Ip":"fd7a::1","UserID":null,"ConnectionID":null,"#
        + #""Time":"2025-07-10T10:14:38.942776145Z","ConnectionStatus":"connected"}}"#

    @Test func `JSON comes out as it came in, and other lines do not`() throws {
        let (output, counts) = try convert(line + "\nnoise\n" + line + "\n", to: .json)
        #expect(output == line + "\n" + line + "\n")
        #expect(counts.events == 2 && counts.lines == 3)
    }

    @Test(arguments: Converter.Format.allCases) func `a last line without line feed counts`(format: Converter.Format)
        throws
    {
        #expect(try convert(line, to: format).output == convert(line + "\n", to: format).output)
    }

    @Test func `CSV has a header even when there is no event`() throws {
        #expect(try convert("", to: .csv).output.hasPrefix("time,"))
        #expect(try convert(line, to: .csv).output.split(separator: "\r\n").count == 2)
    }

    @Test(arguments: Converter.Format.allCases.filter { $0 != .csv }) func `each event is one line`(
        format: Converter.Format
    ) throws {
        let (output, _) = try convert(line + "\n" + line + "\n", to: format)
        #expect(output.split(separator: "\n").count == 2)
        #expect(output.hasSuffix("\n"))
    }

    @Test func `the parts that are read at a time do not show`() throws {
        let text = String(repeating: line + "\n", count: 5000)
        let (output, counts) = try convert(text, to: .json)
        #expect(output == text)
        #expect(counts.events == 5000)
    }
}
