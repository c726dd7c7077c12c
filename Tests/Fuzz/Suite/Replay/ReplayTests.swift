import Foundation
import Testing

/// The fuzzer's inputs, without the fuzzer: what it started from, and what it has found.
@Suite struct ReplayTests {
    private static let corpus = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().appending(path: "Corpus")

    private static func inputs(_ target: String) throws -> [(name: String, bytes: [UInt8])] {
        let folder = corpus.appending(path: target)
        return try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted().map { name in
            (name, Array(try Data(contentsOf: folder.appending(path: name))))
        }
    }

    private static let names = FuzzTarget.all.map(\.name)

    private func check(_ target: String, _ bytes: [UInt8], _ label: String) throws {
        let target = try #require(FuzzTarget.all.first { $0.name == target })
        do throws(Finding) {
            try target.check(bytes)
        } catch { Issue.record("\(target.name), \(label): \(error.promise)") }
    }

    @Test(arguments: names) func `every input of the corpus keeps the promises`(target: String) throws {
        let inputs = try Self.inputs(target)
        #expect((5...60).contains(inputs.count), "\(inputs.count) inputs")
        for input in inputs { try check(target, input.bytes, input.name) }
    }

    @Test(arguments: names)
    func `so do inputs that are a few changes away from one of the corpus`(target: String) throws {
        let inputs = try Self.inputs(target)
        var random = Mutations(seed: 20_251_125)
        for round in 0..<300 {
            let input = inputs[round % inputs.count]
            let bytes = random.mutate(input.bytes)
            try check(target, bytes, "round \(round), from \(input.name): \(Data(bytes).base64EncodedString())")
        }
    }

    @Test func `a folder of inputs stands for a target`() throws {
        let folders = try FileManager.default.contentsOfDirectory(atPath: Self.corpus.path)
        #expect(Set(folders) == Set(Self.names))
    }

    @Test func `the slow segment reader sees events in the corpus, so that it has something to compare`() throws {
        var count = 0
        for input in try Self.inputs("segment") where input.bytes.first.map({ $0 < 128 }) == true {
            var segment = RawSegment(wrongChecksums: 0, renumbers: true, Array(input.bytes.dropFirst(3)))
            if let first = segment.mend(), first < Int64.max { count += segment.certain().count }
        }
        #expect(count > 20)
    }

    @Test func `a scanner that would take what JSON forbids is found out`() {
        // The slow parser is the other half of the comparison: it must tell the two apart.
        #expect(SlowJSON.accepts(Array(#"{"a":[1,2.5e-3,"é"]}"#.utf8)))
        #expect(!SlowJSON.accepts(Array(#"{"a":01}"#.utf8)))
    }
}

/// A few changes to some bytes, the same for the same seed.
private struct Mutations {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    private mutating func number(below bound: Int) -> Int {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Int(state >> 33) % max(1, bound)
    }

    mutating func mutate(_ bytes: [UInt8]) -> [UInt8] {
        var bytes = bytes
        for _ in 0...number(below: 4) {
            let place = number(below: bytes.count + 1)
            switch number(below: 5) {
            case 0 where place < bytes.count: bytes.remove(at: place)
            case 1: bytes.insert(UInt8(number(below: 256)), at: place)
            case 2 where place < bytes.count: bytes[place] ^= 1 << UInt8(number(below: 8))
            case 3: bytes.removeSubrange(place..<min(bytes.count, place + number(below: 40)))
            default: bytes.insert(contentsOf: bytes[place..<min(bytes.count, place + number(below: 40))], at: place)
            }
        }
        return bytes
    }
}
