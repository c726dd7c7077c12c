import ConnlogTestSupport
import Testing

@testable import ConnlogSystem

/// A receiver's kernel and process as Linux has them: the window grows by two bytes for each that comes, up to the room.
private struct Receiver {
    let room: UInt64
    var offered: UInt64
    var arrived: UInt64 = 0
    var read: UInt64 = 0

    init(room: UInt64) {
        self.room = room
        offered = min(room, 65_535)
    }

    var unread: UInt64 { arrived - read }
    var window: UInt64 { min(offered, room - unread) }

    /// - Returns: how many of `bytes` it takes.
    mutating func take(_ bytes: UInt64) -> UInt64 {
        let taken = min(bytes, window)
        arrived += taken
        if room - unread > offered { offered = min(room - unread, offered + 2 * taken) }
        return taken
    }

    mutating func read(atMost bytes: UInt64) { read += min(bytes, unread) }
}

@Suite struct ReadProofTests {
    private static let held: UInt64 = 512 << 10

    private func proof(_ window: UInt64, at start: ContinuousClock.Instant) -> ReadProof {
        ReadProof(held: Self.held, limit: .seconds(30), acknowledged: 0, window: window, now: start)
    }

    /// Never more than it has read, whatever its room, its pace and ours.
    @Test(arguments: [64 << 10, 200 << 10, 1 << 20, 4 << 20, 8 << 20] as [UInt64], 0..<20 as Range<UInt64>)
    func `nothing is proven that the process has not read`(room: UInt64, seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        var receiver = Receiver(room: room)
        var now = ContinuousClock.now
        var proof = proof(receiver.window, at: now)
        var pace: UInt64 = 0
        for step in 0..<3000 {
            if step % 100 == 0 {
                pace = [0, 1 << 10, 16 << 10, 128 << 10, 1 << 20].randomElement(using: &generator) ?? 0
            }
            _ = receiver.take(.random(in: 0...(128 << 10), using: &generator))
            receiver.read(atMost: pace)
            now += .milliseconds(Int.random(in: 0...3, using: &generator))
            proof.look(written: receiver.arrived + 1, acknowledged: receiver.arrived, window: receiver.window, now: now)
            #expect(proof.proven <= receiver.read + Self.held, "seed \(seed), step \(step)")
            if proof.proven > receiver.read + Self.held { return }
        }
    }

    @Test func `of a receiver that keeps up little is unproven`() {
        var receiver = Receiver(room: 4 << 20)
        var now = ContinuousClock.now
        var proof = proof(receiver.window, at: now)
        for _ in 0..<1000 {
            _ = receiver.take(128 << 10)
            receiver.read(atMost: 1 << 20)
            now += .milliseconds(1)
            proof.look(written: receiver.arrived, acknowledged: receiver.arrived, window: receiver.window, now: now)
        }
        #expect(receiver.arrived - proof.proven == Self.held)
    }

    @Test func `at rest with an open window everything is proven after the pause, and not before`() {
        let start = ContinuousClock.now
        var proof = proof(65_535, at: start)
        proof.look(written: 1000, acknowledged: 1000, window: 64_512, now: start)
        #expect(proof.proven == 0)
        // The peer has been asked.
        proof.look(written: 1000, acknowledged: 1000, window: 65_535, now: start + .milliseconds(10))
        proof.look(written: 1000, acknowledged: 1000, window: 65_535, now: start + .milliseconds(1009))
        #expect(proof.proven == 0)
        proof.look(written: 1000, acknowledged: 1000, window: 65_535, now: start + .milliseconds(1010))
        #expect(proof.proven == 1000)
    }

    @Test(arguments: [(60_000, 3), (20_000, 30)] as [(UInt64, Int)])
    func `at rest with a window that stays narrow nothing is proven, and that is told`(window: UInt64, seconds: Int) {
        let start = ContinuousClock.now
        var proof = proof(65_535, at: start)
        proof.look(written: 1000, acknowledged: 1000, window: window, now: start)
        proof.look(written: 1000, acknowledged: 1000, window: window, now: start + .seconds(seconds) - .milliseconds(1))
        #expect(!proof.isInDoubt)
        proof.look(written: 1000, acknowledged: 1000, window: window, now: start + .seconds(seconds))
        #expect(proof.isInDoubt)
        #expect(proof.proven == 0)
        proof.look(written: 1000, acknowledged: 1000, window: 65_535, now: start + .seconds(seconds + 1))
        #expect(!proof.isInDoubt)
    }

    @Test func `at rest with a window that has only just grown nothing is proven, until it is the same again`() {
        var now = ContinuousClock.now
        var proof = proof(65_535, at: now)
        /// What a kernel says for a second.
        func rest(_ bytes: UInt64, _ window: UInt64) -> UInt64 {
            for _ in 0..<2 {
                proof.look(written: bytes, acknowledged: bytes, window: window, now: now)
                now += .milliseconds(1500)
            }
            return proof.proven
        }
        // As Linux has it for a process that hangs: 30,000 bytes, and a larger window than at the beginning.
        #expect(rest(30_000, 89_000) == 0)
        #expect(rest(31_000, 88_000) == 0)
        // One that does not hang.
        #expect(rest(60_000, 119_000) == 0)
        #expect(rest(64_095, 119_000) == 0)
        #expect(rest(64_096, 119_000) == 64_096)
        #expect(rest(90_000, 119_000) == 90_000)
    }

    @Test func `the first window that is told is not the whole one`() {
        let start = ContinuousClock.now
        var proof = proof(65_535, at: start)
        proof.look(written: 4096, acknowledged: 4096, window: 4_000_000, now: start)
        proof.look(written: 4096, acknowledged: 4096, window: 4_000_000, now: start + .seconds(1))
        #expect(proof.proven == 4096)
    }

    @Test func `a slow stream that never rests is proven all the same`() {
        var receiver = Receiver(room: 65_535)
        var now = ContinuousClock.now
        var proof = proof(receiver.window, at: now)
        for _ in 0..<100 {
            _ = receiver.take(500)
            receiver.read(atMost: 500)
            now += .milliseconds(100)
            proof.look(written: receiver.arrived, acknowledged: receiver.arrived, window: receiver.window, now: now)
        }
        // What came in the last two seconds, and the one look between.
        #expect(receiver.arrived - proof.proven <= 25 * 500)
    }
}
