#if Server
import ConnlogCore
import ConnlogStore
import ConnlogTestSupport
import Testing

/// Events that the queue gives again are left out by their place in it.
@Suite struct ExactlyOnceTests {
    private static let queue = [UInt8](repeating: 7, count: 16)

    private static func place(_ first: UInt64, queue: [UInt8] = queue) -> EventPlace {
        EventPlace(queue: queue, offsets: .contiguous(first))
    }

    private static func events(_ numbers: Range<Int>) -> [ToldEvent] {
        numbers.map { ToldEvent(time: Int64($0), type: "tunnel") }
    }

    @Test func `events given again, in whatever batches and after opening anew, are stored once`() async throws {
        for cut in 0...10 {
            let folder = StoreFolder()
            try folder.open().apply(Self.events(0..<10), at: Self.place(0))
            let store = try folder.open()
            var known = 0
            if cut > 0 { known += try store.apply(Self.events(0..<cut), at: Self.place(0)).known }
            known += try store.apply(Self.events(cut..<15), at: Self.place(UInt64(cut))).known
            #expect(known == 10)
            #expect(try await store.everything().count == 15)
            #expect(try await store.newestEvent() == 15)
        }
    }

    @Test func `offsets may have gaps`() async throws {
        let folder = StoreFolder()
        let store = try folder.open()
        try store.apply(Self.events(0..<3), at: EventPlace(queue: Self.queue, offsets: .listed([2, 5, 9])))
        let again = EventPlace(queue: Self.queue, offsets: .listed([5, 9, 12]))
        let outcome = try store.apply(Self.events(1..<4), at: again)
        #expect(outcome.known == 2 && outcome.added == 1)
    }

    @Test func `another queue's offsets are others`() async throws {
        let folder = StoreFolder()
        let store = try folder.open()
        try store.apply(Self.events(0..<3), at: Self.place(0))
        try store.apply(Self.events(3..<6), at: Self.place(0, queue: [UInt8](repeating: 8, count: 16)))
        #expect(try await store.everything().count == 6)
    }

    @Test func `offsets that a queue has given again, to other events, are stored`() async throws {
        let folder = StoreFolder()
        let store = try folder.open()
        try store.apply(Self.events(0..<5), at: Self.place(0))
        // A crash took events 3 and 4 from a queue that does not sync; others have their numbers now.
        try store.apply(Self.events(13..<16), at: Self.place(3))
        #expect(try await store.everything().count == 8)
    }

    @Test func `a batch that fails leaves nothing behind and is taken the next time`() async throws {
        let folder = StoreFolder()
        let store = try folder.open()
        try store.apply(Self.events(0..<3), at: Self.place(0))
        let other = try folder.open()
        try other.apply(Self.events(3..<4), at: Self.place(3))
        #expect(throws: StoreProblem.self) { try store.apply(Self.events(4..<6), at: Self.place(4)) }
        #expect(try await store.everything().count == 4)
        try store.apply(Self.events(4..<6), at: Self.place(4))
        #expect(try await store.everything().count == 6)
    }
}
#endif
