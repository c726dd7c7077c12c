import ConnlogSystem
import ConnlogTestSupport
import Foundation
import Testing

@testable import ConnlogCore

@Suite struct SIEMGoldenTests {
    /// The vectors that are connection events of slog, by number.
    private static let vectors = zip(1..., Vectors.json).filter { ![23, 24].contains($0.0) }

    /// `format Jn event` a line.
    private static let composed = Vectors.text("../SIEM/composed.txt").split(separator: "\n").map(String.init)

    private func encoder(_ format: SIEMFormat) -> SIEMEncoder { SIEMEncoder(format, hostname: "coder-1") }

    @Test func `there are events composed by hand in each format`() {
        #expect(Set(Self.composed.map { $0.prefix { $0 != " " } }) == Set(SIEMFormat.allCases.map { $0.rawValue[...] }))
        #expect(Self.composed.count == 9)
    }

    @Test(arguments: composed) func `an event comes out as it was composed by hand`(golden: String) throws {
        let parts = golden.split(separator: " ", maxSplits: 2)
        let format = try #require(SIEMFormat(rawValue: String(parts[0])))
        let number = try #require(Int(parts[1].dropFirst()))
        #expect(encoder(format).text(Vectors.json[number - 1]) == String(parts[2]))
    }

    @Test(arguments: SIEMFormat.allCases) func `each golden vector becomes the event that the golden file has`(
        format: SIEMFormat
    ) throws {
        var outcome = ""
        for (number, line) in Self.vectors {
            let event = try #require(encoder(format).text(line), "J\(number)")
            #expect(try mistakes(event, format) == [], "J\(number)")
            outcome += "J\(number) \(event)\n"
        }
        let folder = GoldenFolder("../../Golden/Encode")
        let golden = folder.case("\(format.rawValue).txt", input: "The vectors J1 to J22, in order.\n")
        #expect(golden.difference(from: outcome) == nil)
    }

    private func mistakes(_ event: String, _ format: SIEMFormat) throws -> [String] {
        switch format {
        case .cef:
            _ = try CEFParser.parse(event)
            return []
        case .leef:
            _ = try LEEFParser.parse(event)
            return []
        case .ecs: return try ECSCheck().mistakes(of: TestJSON.object(event))
        case .ocsf: return try OCSFCheck().mistakes(of: TestJSON.object(event))
        }
    }

    @Test(arguments: SIEMFormat.allCases) func `what is no event is refused and leaves nothing`(format: SIEMFormat) {
        var encoder = encoder(format)
        var output = ByteBuffer("before".utf8)
        for line in ["", "{}", "noise", #"{"msg":"audit_log","fields":{}}"#, Vectors.json[23]] {
            let isTaken = encoder.append(Array(line.utf8).span, to: &output)
            #expect(!isTaken)
        }
        #expect(output.text == "before")
    }

    @Test(arguments: SIEMFormat.allCases) func `a batch that knows where its fields lie gives the same events`(
        format: SIEMFormat
    ) {
        var batch = EventBatch()
        let lines = Array((Self.vectors.map(\.1).joined(separator: "\n") + "\n").utf8)
        batch.bytes.append(contentsOf: lines)
        var decoder = EventDecoder(format: .slogJSON, container: .none, maxLine: 1 << 20)
        _ = decoder.decode(0..<lines.count, in: &batch, isEnd: true)
        var encoder = encoder(format)
        var noted = 0
        #expect(batch.count == Self.vectors.count)
        for place in 0..<batch.count {
            var known = ByteBuffer()
            var found = ByteBuffer()
            if batch.hasNote(place) { noted += 1 }
            let areTaken = [
                encoder.append(batch, place, to: &known), encoder.append(batch.record(place), to: &found),
            ]
            #expect(areTaken == [true, true])
            #expect(known.text == found.text)
        }
        #expect(noted > 0)
    }

    @Test(arguments: SIEMFormat.allCases) func `an event with nothing in it is one all the same`(format: SIEMFormat)
        throws
    {
        let line = #"{"msg":"connection_log","fields":{}}"#
        let event = try #require(encoder(format).text(line))
        #expect(try mistakes(event, format) == [])
        #expect(event.contains("derived-"))
        // The same id as in every other format, and in the next run.
        var id = ByteBuffer()
        id.withWriter(reserving: 64) { DerivedEventID.write(Array(line.utf8).span, into: &$0) }
        #expect(event.contains(id.text))
    }
}
