import ConnlogCore
import ConnlogSystem
import Testing

@testable import ConnlogSinks

@Suite struct RELPFrameTests {
    private func frame(_ sequence: UInt64, _ data: String) -> String {
        var output = ByteBuffer()
        RELPFrame.append(sequence, "syslog", ByteBuffer(Array(data.utf8)), to: &output)
        return output.text
    }

    @Test func `frames have number, command, length in bytes, data and a line feed`() {
        #expect(frame(2, "a\nb") == "2 syslog 3 a\nb\n")
        #expect(frame(3, "ä") == "3 syslog 2 ä\n")
        #expect(frame(4, "") == "4 syslog 0\n")
    }

    @Test func `numbers go from 1 to 999999999 and begin again at 1`() {
        #expect(frame(999_999_999, "") == "999999999 syslog 0\n")
        #expect(frame(1_000_000_000, "") == "1 syslog 0\n")
        #expect(frame(1_999_999_999, "") == "1 syslog 0\n")
    }

    private let said =
        "1 rsp 29 200 OK\nrelp_version=0\nx=y=z\nw\n0 serverclose 0\n27 rsp 6 200 OK\n28 rsp 13 500 no\tthanks\n9 rsp 0\n"

    @Test func `replies are read whole, however they are cut into pieces`() throws {
        let bytes = Array(said.utf8)
        for cut in 0...bytes.count {
            var incoming = ByteBuffer()
            var replies: [RELPReply] = []
            for piece in [bytes[..<cut], bytes[cut...]] {
                incoming.append(contentsOf: Array(piece))
                var at = 0
                while let reply = try RELPReader.next(incoming, &at) { replies.append(reply) }
                incoming.removeFirst(at)
            }
            #expect(incoming.isEmpty)
            #expect(replies.map(\.number) == [1, 0, 27, 28, 9], "cut at \(cut)")
            #expect(replies.map(\.code) == [200, 0, 200, 500, 0])
            #expect(replies[0].offers == ["relp_version": "0", "x": "y=z", "w": ""])
            #expect(replies[1].command == .serverClose)
            #expect(replies[3].text == "no?thanks")
        }
    }

    @Test(arguments: [
        "HTTP/1.1 400 Bad Request\r\n", "1 rsp 6 200_OK\n1", "1  rsp 0\n", "1234567890 rsp 0\n", "1 rsp 99999999 x",
        "1 rsp 3 OK!\n", "1 rsp 2 20\n", "-1 rsp 0\n", "1 r5p 0\n",
    ])
    func `what is no reply is a fault`(text: String) {
        let bytes = ByteBuffer(Array(text.utf8))
        #expect(throws: RELPReader.Fault.self) {
            var at = 0
            while try RELPReader.next(bytes, &at) != nil {}
        }
    }
}

@Suite struct RELPWindowTests {
    private let failure = SendOutcome.retry(Reason("reset", "broken off in the middle", mayRepeat: true))
    private let no = Reason("relp_500", "refused for a reason")

    /// A macro cannot look into what changes the window.
    private func expectTaken(_ isTaken: Bool, sourceLocation: SourceLocation = #_sourceLocation) {
        #expect(isTaken, sourceLocation: sourceLocation)
    }

    private func expect(
        _ outcome: SendOutcome?, _ expected: SendOutcome?, sourceLocation: SourceLocation = #_sourceLocation
    ) {
        #expect(outcome == expected, sourceLocation: sourceLocation)
    }

    /// Sends what must be sent of a batch; gives the numbers on the wire.
    private func send(_ batch: EventBatch, _ window: inout RELPWindow) -> (Receipt, [UInt64]) {
        let receipt = window.begin(batch)
        var numbers: [UInt64] = []
        for place in 0..<batch.count where window.mustSend(place) {
            numbers.append(RELPFrame.number(window.nextSequence))
            window.add(place, bytes: 10)
        }
        window.endWriting()
        return (receipt, numbers)
    }

    @Test func `a batch is delivered with its last answer, in whatever order they come`() {
        var window = RELPWindow()
        window.restart()
        let (receipt, numbers) = send(syslogBatch(0..<4), &window)
        #expect(numbers == [2, 3, 4, 5] && window.bytesOpen == 40)
        for number in [5, 3, 2, 4] as [UInt64] {
            expect(window.take(receipt), nil)
            expectTaken(window.answer(number, nil))
        }
        expect(window.take(receipt), .delivered)
        #expect(window.messagesOpen == 0 && window.bytesOpen == 0 && window.nextSequence == 6)
        // An answer comes once.
        let isTakenTwice = window.answer(5, nil)
        #expect(!isTakenTwice)
    }

    @Test func `numbers wrap in the middle of a batch`() {
        var window = RELPWindow()
        window.restart(at: 999_999_998)
        let (receipt, numbers) = send(syslogBatch(0..<4), &window)
        #expect(numbers == [999_999_998, 999_999_999, 1, 2])
        for number in numbers { expectTaken(window.answer(number, nil)) }
        expect(window.take(receipt), .delivered)
    }

    @Test(arguments: 0..<64)
    func `after a break only what has no answer goes out again`(answered: Int) {
        var window = RELPWindow()
        window.restart()
        let batch = syslogBatch(0..<6)
        let (receipt, numbers) = send(batch, &window)
        for place in 0..<6 where answered & 1 << place != 0 { expectTaken(window.answer(numbers[place], nil)) }
        window.breakOff(failure)
        #expect(window.untoldBreak == (answered == 63 ? nil : failure))
        let prefix = (0..<6).first { answered & 1 << $0 == 0 } ?? 6
        let outcome = window.take(receipt)
        #expect(outcome == (prefix == 6 ? .delivered : prefix == 0 ? failure : .deliveredPrefix(prefix)))
        #expect(window.untoldBreak == nil)
        guard prefix < 6 else { return }
        window.restart()
        let (again, more) = send(batch.slice(prefix..<6), &window)
        #expect(more.count == (0..<6).count { answered & 1 << $0 == 0 })
        for number in more { expectTaken(window.answer(number, nil)) }
        expect(window.take(again), .delivered)
    }

    @Test func `a refusal is told with its place, and what is known of the rest is kept`() {
        var window = RELPWindow()
        window.restart()
        let batch = syslogBatch(0..<5)
        let (receipt, numbers) = send(batch, &window)
        for (place, number) in numbers.enumerated() {
            expectTaken(window.answer(number, [1, 3].contains(place) ? no : nil))
        }
        expect(window.take(receipt), .rejected(at: 1, no))
        let (second, none) = send(batch.slice(2..<5), &window)
        #expect(none == [])
        expect(window.take(second), .rejected(at: 1, no))
        let (third, noneAgain) = send(batch.slice(4..<5), &window)
        #expect(noneAgain == [])
        expect(window.take(third), .delivered)
    }

    @Test func `a batch that nobody knows is sent again`() {
        var window = RELPWindow()
        let (receipt, _) = send(syslogBatch(0..<1), &window)
        window.forget(receipt)
        guard case .retry(_, let reason)? = window.take(receipt) else {
            Issue.record("claimed")
            return
        }
        #expect(reason.mayRepeat)
    }
}
