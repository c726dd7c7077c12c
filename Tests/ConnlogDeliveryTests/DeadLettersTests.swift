import ConnlogCore
import ConnlogSystem
import ConnlogTestSupport
import Foundation
import Testing

@testable import ConnlogDelivery

@Suite struct DeadLettersTests {
    private struct FixedTime: WallTime {
        /// 2026-01-15T09:30:12Z
        func now() -> Nanoseconds { 1_768_469_412_000_000_000 }
    }

    private static let path = "dead/2026-01-15.jsonl"
    private let reason = Reason(
        "hec_6", "it said \"no\"", code: "400/6", endpoint: "https://splunk.example.com:8088")

    private func letters(on disk: SimulatedFileSystem, bytesMax: Int = 1 << 20) -> DeadLetters {
        DeadLetters(directory: "dead", sink: "splunk", bytesMax: bytesMax, fileSystem: disk, clock: FixedTime())
    }

    private func write(_ number: Int, to letters: inout DeadLetters) throws(DeadLetters.Failure) {
        try letters.write(Array(TestEvents.line(number).utf8).span, offset: UInt64(number), reason)
    }

    /// Every line is one of ours, whole.
    private func numbers(_ bytes: [UInt8]) throws -> [Int] {
        try String(decoding: bytes, as: UTF8.self).split(separator: "\n").map { line in
            let letter = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
            return try #require(letter?["offset"] as? Int)
        }
    }

    @Test func `a line is exactly as the format says`() throws {
        let disk = SimulatedFileSystem()
        var letters = letters(on: disk)
        try write(7, to: &letters)
        let second = Reason("not_an_event", "no")
        try letters.write(Array("{}".utf8).span, offset: 8, second)
        #expect(
            String(decoding: disk.bytes(Self.path), as: UTF8.self) == """
                {"time":"2026-01-15T09:30:12Z","sink":"splunk","reason":"hec_6","text":"it said \\"no\\"",\
                "code":"400/6","endpoint":"https://splunk.example.com:8088","offset":7,"record":\(TestEvents.line(7))}
                {"time":"2026-01-15T09:30:12Z","sink":"splunk","reason":"not_an_event","text":"no",\
                "code":null,"endpoint":null,"offset":8,"record":{}}

                """)
    }

    @Test(arguments: 0..<4)
    func `whatever a crash leaves, acknowledged lines stay, and the next is not glued to a torn one`(seed: UInt64)
        throws
    {
        var call = 0
        var crashed = true
        while crashed {
            call += 1
            let disk = SimulatedFileSystem(seed: seed)
            disk.fail(.crash, atCall: call)
            var acknowledged: [Int] = []
            var letters = letters(on: disk)
            for number in 0..<3 where (try? write(number, to: &letters)) != nil { acknowledged.append(number) }
            crashed = disk.hasCrashed
            for after in [disk.restarted(seed: seed), disk.killed()] {
                let left = after.bytes(Self.path)
                var again = self.letters(on: after)
                for number in 3..<5 { try write(number, to: &again) }
                let found = try numbers(after.bytes(Self.path))
                #expect(found.suffix(2) == [3, 4], "call \(call), seed \(seed)")
                #expect(
                    Array(found.prefix(acknowledged.count)) == acknowledged, "call \(call), seed \(seed), left \(left)")
                // What was written after the crash is safe from the next one.
                let third = after.restarted(seed: seed &+ 1)
                #expect(try numbers(third.bytes(Self.path)) == found, "call \(call), seed \(seed)")
            }
        }
        #expect(call > 6)
    }

    @Test(arguments: [Errno.noSpace, Errno.inputOutput])
    func `a call that fails acknowledges nothing, and the next line is whole`(code: Int32) throws {
        for call in 1..<12 {
            for fault in [SimulatedFileSystem.Fault.error(code), .shortWrite] {
                let disk = SimulatedFileSystem()
                disk.fail(fault, atCall: call)
                var letters = letters(on: disk)
                var acknowledged: [Int] = []
                for number in 0..<4 where (try? write(number, to: &letters)) != nil { acknowledged.append(number) }
                let found = try numbers(disk.bytes(Self.path))
                #expect(Set(acknowledged).isSubset(of: found), "call \(call) \(fault)")
                #expect(acknowledged.count >= 3, "call \(call) \(fault)")
            }
        }
    }

    @Test func `every beginning of a line is mended, and a whole one that lacks its line feed is kept`() throws {
        let disk = SimulatedFileSystem()
        var first = letters(on: disk)
        try write(0, to: &first)
        let whole = disk.bytes(Self.path)
        for length in 1..<whole.count {
            disk.setBytes(Self.path, whole + whole.prefix(length))
            var letters = letters(on: disk)
            try write(1, to: &letters)
            let kept = length == whole.count - 1 ? [0, 0, 1] : [0, 1]
            #expect(try numbers(disk.bytes(Self.path)) == kept, "\(length) bytes")
        }
    }

    @Test func `at its bound nothing is written, and making room is noticed`() throws {
        let disk = SimulatedFileSystem()
        var first = letters(on: disk)
        try write(0, to: &first)
        var letters = letters(on: disk, bytesMax: disk.bytes(Self.path).count * 5 / 2)
        #expect(!letters.isHalfFull)
        try write(1, to: &letters)
        #expect(letters.isHalfFull)
        let bytes = disk.bytes(Self.path).count
        #expect(throws: DeadLetters.Failure.full(bytes: bytes, needed: bytes / 2)) { try write(2, to: &letters) }
        #expect(try numbers(disk.bytes(Self.path)) == [0, 1])
        try disk.remove(Self.path)
        try write(2, to: &letters)
        #expect(try numbers(disk.bytes(Self.path)) == [2])
    }

    /// Bytes of the line for event 0.
    private func lineBytes() throws -> Int {
        let disk = SimulatedFileSystem()
        var letters = letters(on: disk)
        try write(0, to: &letters)
        return disk.bytes(Self.path).count
    }

    @Test(arguments: [1, LetterFile.pieceBytes - 1, LetterFile.pieceBytes, LetterFile.pieceBytes + 1, 5 << 20])
    func `a torn line of any size is cut off before the next is written`(bytes: Int) throws {
        let disk = SimulatedFileSystem()
        var first = letters(on: disk, bytesMax: 64 << 20)
        try write(0, to: &first)
        disk.setBytes(Self.path, disk.bytes(Self.path) + [UInt8](repeating: UInt8(ascii: "{"), count: bytes))
        var letters = letters(on: disk, bytesMax: 64 << 20)
        try write(1, to: &letters)
        #expect(try numbers(disk.bytes(Self.path)) == [0, 1])
    }

    @Test func `what lies there from before counts`() throws {
        let disk = SimulatedFileSystem()
        try disk.createDirectory("dead")
        disk.setBytes("dead/2020-01-01.jsonl", [UInt8](repeating: 10, count: 1500))
        var letters = letters(on: disk, bytesMax: 2000)
        let needed = try lineBytes()
        #expect(throws: DeadLetters.Failure.full(bytes: 1500, needed: needed)) { try write(0, to: &letters) }
    }

    @Test func `while somebody rewrites the files, nothing is written`() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "letters-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let disk = LocalFileSystem()
        try disk.createDirectory(folder)
        var letters = DeadLetters(
            directory: folder, sink: "splunk", bytesMax: 1 << 20, fileSystem: disk, clock: FixedTime())
        do {
            let lock = try disk.lock(folder + "/lock")
            #expect(throws: DeadLetters.Failure.locked) { try write(0, to: &letters) }
            withExtendedLifetime(lock) {}
        }
        try write(0, to: &letters)
        #expect(FileManager.default.fileExists(atPath: folder + "/2026-01-15.jsonl"))
    }

    @Test func `the log has the first of each reason at once, and then how many more, once a minute`() {
        var news = DeadLetterNews()
        let other = Reason("other", "other")
        #expect(news.take(reason, at: 0) == 0)
        #expect(news.take(other, at: 1) == 0)
        for second in 1..<60 { #expect(news.take(reason, at: Nanoseconds(second) * 1_000_000_000) == nil) }
        #expect(news.take(reason, at: 60_000_000_000) == 59)
        #expect(news.take(reason, at: 61_000_000_000) == nil)
        #expect(news.take(reason, at: 119_999_999_999) == nil)
        #expect(news.take(reason, at: 120_000_000_000) == 2)
    }
}
