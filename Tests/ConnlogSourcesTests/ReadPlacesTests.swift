import ConnlogCore
import ConnlogSystem
import Testing

@testable import ConnlogSources

/// What a file source says of how far it has read, held against the files.
@Suite struct ReadPlacesTests {
    @Test func `what is not read is found by asking the files`() throws {
        let bench = try FollowerBench("*.log")
        bench.append("a.log", "one\n")
        bench.append("b.log", "one\ntwo\nhal")
        bench.poll()
        // What makes no whole line yet has been read all the same.
        #expect(bench.follower.readPlaces.map(\.offset) == [4, 11])
        #expect(bench.follower.readPlaces.compactMap(\.unread).isEmpty)
        bench.append("b.log", "f\n")
        let unread = bench.follower.readPlaces.compactMap(\.unread)
        #expect(unread == [Unread(subject: bench.path("b.log"), bytes: 2, place: 11)])
        bench.settle()
        #expect(bench.follower.readPlaces.compactMap(\.unread).isEmpty)
    }

    @Test func `a file whose turn has not come gets on with whichever is read, one that is left alone does not`() throws
    {
        let bench = try FollowerBench("*.log")
        for name in ["a.log", "b.log"] { bench.append(name, String(repeating: "one\n", count: 1_000_000)) }
        var reads: [[UInt64]] = []
        for _ in 0..<4 {
            bench.poll()
            let unread = bench.follower.readPlaces.compactMap(\.unread)
            try #require(unread.count == 2)
            reads.append(unread.map(\.place))
        }
        for (last, next) in zip(reads, reads.dropFirst()) { #expect(last[0] != next[0] && last[1] != next[1]) }
        bench.settle()
        // Not known to have more, since nobody has looked at it.
        bench.append("b.log", "two\n")
        let before = bench.follower.readPlaces.compactMap(\.unread).map(\.place)
        #expect(before.count == 1)
        #expect(bench.follower.readPlaces.compactMap(\.unread).map(\.place) == before)
    }

    @Test func `places are made when somebody has asked, not otherwise`() throws {
        let places = ReadPlaces()
        var made = 0
        let answer = {
            places.answer {
                made += 1
                return []
            }
        }
        answer()
        #expect(made == 0)
        #expect(places.ask().isEmpty)
        for _ in 0..<3 { answer() }
        #expect(made == 1)
    }
}
