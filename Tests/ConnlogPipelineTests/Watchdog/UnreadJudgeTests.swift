import ConnlogCore
import Testing

@testable import ConnlogPipeline

/// When input that is there counts as left alone.
@Suite struct UnreadJudgeTests {
    /// Looks once a second and is answered every ten; tells which sources were stuck at any time.
    private func stuck(
        for seconds: Int = 100, mayRead: (Int) -> Bool = { _ in true }, answers: (Int) -> Bool = { _ in true },
        _ unread: (Int) -> [Unread]
    ) -> [String] {
        var unreads = UnreadJudge()
        var judge = StuckJudge()
        var finding = UnreadProbe.Finding()
        var words: [String] = []
        for second in 0..<seconds {
            if second % 10 == 0, answers(second) {
                finding = UnreadProbe.Finding(rounds: finding.rounds + 1, unread: ["coderd": unread(second)])
            }
            let pulses = unreads.pulses(
                finding, now: .seconds(second), limit: .seconds(30), patience: .seconds(20), mayRead: mayRead(second))
            for case .began(_, let stuck) in judge.judge(pulses, now: .seconds(second)) { words.append(stuck.waitsFor) }
        }
        return words
    }

    private func file(_ name: String, _ place: Int, _ bytes: Int = 7) -> Unread {
        Unread(subject: name, bytes: bytes, place: UInt64(place))
    }

    @Test func `a file that nobody reads on with is told once`() {
        #expect(stuck { _ in [file("/a.log", 3)] } == ["it comes round and does not read: /a.log has 7 bytes more"])
        // It grows meanwhile, which changes nothing.
        #expect(stuck { [file("/a.log", 3, $0 + 1)] }.count == 1)
    }

    @Test func `one that is read on with, however slowly, is not`() {
        #expect(stuck { [file("/a.log", $0 / 20)] }.isEmpty)
        #expect(stuck { $0 % 20 == 0 ? [file("/a.log", 3)] : [] }.isEmpty)
        #expect(stuck { _ in [] }.isEmpty)
    }

    @Test func `one that is left alone is seen beside others that are read`() {
        let words = stuck { [file("/a.log", $0), file("/b.log", 3), file("/c.log", $0)] }
        #expect(words == ["it comes round and does not read: /b.log has 7 bytes more"])
    }

    @Test func `while the queue takes nothing, nobody has to read`() {
        #expect(stuck(mayRead: { _ in false }) { _ in [file("/a.log", 3)] }.isEmpty)
        // The wait begins when it takes something again.
        #expect(stuck(for: 95, mayRead: { $0 >= 70 }) { _ in [file("/a.log", 3)] }.isEmpty)
        #expect(stuck(for: 120, mayRead: { $0 >= 70 }) { _ in [file("/a.log", 3)] }.count == 1)
    }

    @Test func `an answer that is too old is none`() {
        #expect(stuck(answers: { $0 == 0 }) { _ in [file("/a.log", 3)] }.isEmpty)
        #expect(stuck(answers: { $0 % 20 == 0 }) { _ in [file("/a.log", 3)] }.count == 1)
    }
}
