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
