import ConnlogTestSupport
import Testing

@testable import ConnlogSources

@Suite struct JournalPositionTests {
    private static let text =
        "s=5f0d8b6c1d3e4c0a9f1b2c3d4e5f6071;i=2a;b=0f0d8b6c1d3e4c0a9f1b2c3d4e5f6072;m=4c4b40;t=65b0a1;x=ff00000000000001"

    private func cursor(_ number: Int, at time: UInt64 = 1, hash: UInt64? = nil) -> JournalCursor {
        JournalCursor(
            "s=\(JournalFiles.Entry.boot);i=\(String(number, radix: 16));b=\(JournalFiles.Entry.boot);"
                + "m=\(String(time, radix: 16));t=\(String(time, radix: 16));"
                + "x=\(String(hash ?? UInt64(number), radix: 16))")
    }

    @Test func `a cursor is taken apart and put together again`() {
        let cursor = JournalCursor(Self.text)
        #expect(cursor.isKnown && cursor.text == Self.text)
        #expect(cursor.number == 42 && cursor.realtime == 0x65b0a1 && cursor.hash == 0xff00_0000_0000_0001)
    }

    @Test(arguments: ["", "garbage", text + ";y=1", text.replacing("i=", with: "n="), String(text.dropLast(20)), "s=é"])
    func `a cursor of another form stays as it is`(text: String) {
        let cursor = JournalCursor(text)
        #expect(!cursor.isKnown && cursor.text == text)
        #expect(!cursor.isOfSameMoment(as: cursor))
    }

    @Test func `a position is what was stored`() {
        var position = JournalPosition(place: "directory /x", matches: 7)
        #expect(JournalPosition(checkpoint: position.checkpoint) == position)
        position.advance(to: cursor(1))
        position.advance(to: cursor(2))
        position.interrupted = [
            JournalPosition.Interrupted(stream: JournalStreamID(high: 1, low: .max), process: 9, isJSON: true)
        ]
        #expect(JournalPosition(checkpoint: position.checkpoint) == position)
        for length in 0..<position.checkpoint.count {
            #expect(JournalPosition(checkpoint: Array(position.checkpoint.prefix(length))) == nil)
        }
        var newer = position.checkpoint
        newer[0] = 2
        #expect(JournalPosition(checkpoint: newer) == nil)
    }

    @Test(arguments: [3999, 4000, 4001, 8001, 24_576])
    func `a position fits, and knows the done entries of a microsecond, however many there are`(count: Int) throws {
        var position = JournalPosition(place: String(repeating: "p", count: 10_000), matches: 7)
        for number in 0..<count { position.advance(to: cursor(number, hash: UInt64(number / 2))) }
        position.interrupted = (0..<300).map { number in
            JournalPosition.Interrupted(stream: JournalStreamID(high: number, low: 0), process: 0, isJSON: false)
        }
        #expect(position.checkpoint.count <= 64 << 10)
        let stored = try #require(JournalPosition(checkpoint: position.checkpoint))
        var done = try #require(JournalDone(stored, isFromHead: false))
        let known = (0..<count).count { done.contains(cursor($0, hash: UInt64($0 / 2))) }
        #expect(known == count)
        let others = [cursor(count + 1, hash: UInt64.max), cursor(0, hash: 0), cursor(0, at: 2)]
        let unknown = others.count { done.contains($0) }
        #expect(unknown == 0)
    }

    @Test func `entries that are older by their numbers are done, but not those of a number given twice`() throws {
        var position = JournalPosition(place: "", matches: 0)
        position.advance(to: cursor(100, at: 1000))
        var done = try #require(JournalDone(position, isFromHead: true))
        let otherJournal = cursor(99, at: 999).text.replacing(JournalFiles.Entry.boot, with: JournalFiles.Entry.stream)
        let found = [cursor(99, at: 999), cursor(99, at: 2000), JournalCursor(otherJournal)].map { done.contains($0) }
        #expect(found == [true, false, false])
    }
}
