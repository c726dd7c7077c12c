import ConnlogSystem
import ConnlogTestSupport
import Testing

@testable import ConnlogSinks

/// The bookkeeping of one channel: what may be taken for proven, and what must be sent again.
@Suite struct HECChannelTests {
    private func channel() -> HECChannel { HECChannel(name: "c", timeout: .seconds(300)) }

    /// Sends one request, accepted under `number` with the same receipt plus 100.
    @discardableResult
    private func send(_ number: UInt64, on channel: inout HECChannel, at now: Duration = .zero) -> [HECChannel.Settled]
    {
        channel.begin()
        return channel.accepted(number, receipt: 100 + number, now: now)
    }

    @Test func `true proves, once, and false proves nothing`() {
        var channel = channel()
        for number in 0..<3 as Range<UInt64> { #expect(send(number, on: &channel) == []) }
        let asked = channel.ask()
        #expect(asked == [0, 1, 2])
        #expect(channel.answered(asked, [0: false, 1: true, 7: true]) == [.proven(101)])
        #expect(channel.ask() == [0, 2])
        #expect(channel.answered([0, 2], [0: true, 1: true, 2: true]) == [.proven(100), .proven(102)])
        #expect(channel.waiting == 0)
    }

    @Test func `one request at a time, and none while the first number is asked for`() {
        var channel = channel()
        channel.begin()
        #expect(!channel.mayBegin)
        _ = channel.accepted(0, receipt: 1, now: .zero)
        #expect(channel.mayBegin)
        let asked = channel.ask()
        #expect(!channel.mayBegin)
        channel.unanswered(asked, isInDoubt: false, now: .zero)
        #expect(channel.mayBegin)
    }

    @Test func `the first number is not asked for while a request is under way that may get it anew`() {
        var channel = channel()
        for number in 0..<2 as Range<UInt64> { send(number, on: &channel) }
        channel.begin()
        #expect(channel.ask() == [1])
    }

    @Test func `after a restart a number that means two requests proves neither`() {
        var channel = channel()
        for number in 0..<3 as Range<UInt64> { send(number, on: &channel) }
        channel.begin()
        let lost = channel.accepted(0, receipt: 200, now: .zero)
        #expect(lost == [.lost(100, .recounted), .lost(200, .recounted)])
        #expect(channel.isRetired && channel.waiting == 2)
        // What the new numbering cannot reach is still asked for, for a shorter time.
        #expect(channel.expire(now: .seconds(29)) == [])
        #expect(channel.expire(now: .seconds(30)) == [.lost(101, .timeout), .lost(102, .timeout)])
    }

    @Test func `after a restart with nothing outstanding the new numbers are as good as the old`() {
        var channel = channel()
        send(0, on: &channel)
        send(1, on: &channel)
        _ = channel.answered(channel.ask(), [0: true, 1: true])
        #expect(send(0, on: &channel) == [] && !channel.isRetired)
        #expect(channel.answered(channel.ask(), [0: true]) == [.proven(100)])
    }

    @Test func `a reply that was lost ends the channel, and only the first number is in danger`() {
        var channel = channel()
        for number in 0..<3 as Range<UInt64> { send(number, on: &channel) }
        channel.begin()
        #expect(channel.ended(replyLost: true) == [.lost(100, .recounted)])
        #expect(channel.isRetired && channel.ask() == [1, 2])
        var another = self.channel()
        for number in 0..<3 as Range<UInt64> { send(number, on: &another) }
        another.begin()
        #expect(another.ended(replyLost: false) == [] && another.mayBegin && another.waiting == 3)
    }

    @Test func `no proof within the time allowed means sending again, on another channel`() {
        var channel = channel()
        send(0, on: &channel)
        send(1, on: &channel, at: .seconds(10))
        #expect(channel.expire(now: .seconds(299)) == [])
        #expect(channel.expire(now: .seconds(300)) == [.lost(100, .timeout)])
        #expect(channel.isRetired && !channel.mayBegin)
        #expect(channel.answered(channel.ask(), [1: true]) == [.proven(101)])
        #expect(channel.isOver)
    }

    @Test func `after a poll whose reply was lost there is less time, as true is told once`() {
        var channel = channel()
        send(0, on: &channel)
        channel.unanswered(channel.ask(), isInDoubt: true, now: .seconds(5))
        #expect(channel.expire(now: .seconds(34)) == [])
        #expect(channel.expire(now: .seconds(35)) == [.lost(100, .timeout)])
    }

    @Test func `a poll that never arrived changes nothing`() {
        var channel = channel()
        send(0, on: &channel)
        channel.unanswered(channel.ask(), isInDoubt: false, now: .seconds(5))
        #expect(channel.expire(now: .seconds(299)) == [])
    }

    @Test func `the first cookies bind the channel, and one that changes ends it`() {
        var channel = channel()
        channel.keep(["AWSELB=one; Path=/; HttpOnly", "other=2"], now: .zero)
        #expect(channel.cookieHeader == "AWSELB=one; other=2" && !channel.isRetired)
        channel.keep(["AWSELB=one; Path=/", "", "=x", "novalue"], now: .zero)
        #expect(!channel.isRetired)
        send(0, on: &channel)
        channel.keep(["AWSELB=two"], now: .zero)
        #expect(channel.isRetired && channel.cookieHeader == "AWSELB=one; other=2")
        #expect(channel.ask() == [0])
        #expect(channel.expire(now: .seconds(30)) == [.lost(100, .timeout)])
    }

    @Test func `a token that loses its acknowledgements proves nothing`() {
        var channel = channel()
        for number in 0..<2 as Range<UInt64> { send(number, on: &channel) }
        #expect(channel.giveUp(.disabled) == [.lost(100, .disabled), .lost(101, .disabled)])
        #expect(channel.isOver)
    }

    @Test func `a poll asks for a thousand at most, the oldest first`() {
        var channel = channel()
        for number in 0..<1500 as Range<UInt64> { send(number, on: &channel) }
        #expect(channel.ask() == Array(0..<1000))
    }

    @Test(arguments: [
        (200, #"{"acks":{"0":true,"1":false,"x":true,"2":1}}"#, "told"),
        (400, #"{"text":"ACK is disabled","code":14}"#, "disabled"),
        (400, #"{"text":"Data channel is missing","code":10}"#, "failed"),
        (403, #"{"text":"Invalid token","code":4}"#, "failed"),
        (503, #"{"text":"Server is busy","code":9}"#, "failed"), (200, #"{"text":"Success","code":0}"#, "failed"),
        (404, "<html>", "failed"), (413, "", "failed"), (200, "<html>", "in doubt"), (200, "", "in doubt"),
        (200, #"{"acks":{"0":tr"#, "in doubt"), (502, "<html>", "in doubt"), (500, "{}", "in doubt"),
        (500, #"{"acks":{"0":true}}"#, "in doubt"),
    ])
    func `only acknowledgements are acknowledgements`(status: Int, body: String, expected: String) {
        let reply = HECAckReply(
            .success(HTTPResponse(status: status, body: Array(body.utf8))), endpoint: "https://splunk:8088")
        switch reply {
        case .told(let states): #expect(expected == "told" && states == [0: true, 1: false])
        case .disabled: #expect(expected == "disabled")
        case .failed(_, let isInDoubt, _): #expect(expected == (isInDoubt ? "in doubt" : "failed"))
        }
    }

    /// A small world: one channel, an indexer that restarts, loses replies and takes its time. Whatever happens,
    /// nothing counts as proven that is not indexed.
    @Test(arguments: 0..<300) func `whatever an indexer does, nothing counts that it has not indexed`(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        var world = ChannelWorld()
        for _ in 0..<400 { world.step(&generator) }
        #expect(world.falselyProven.isEmpty, "seed \(seed)")
    }
}

/// An indexer as seen through one channel name after another.
private struct ChannelWorld {
    private var channel = HECChannel(name: "0", timeout: .seconds(300))
    private var old: [HECChannel] = []
    private var now = Duration.zero
    private var receipt: UInt64 = 0
    /// The indexer's memory: what each number stands for, per channel.
    private var numbers: [String: [UInt64: UInt64]] = [:]
    private var next: [String: UInt64] = [:]
    private var indexed: Set<UInt64> = []
    private(set) var falselyProven: [UInt64] = []

    mutating func step(_ generator: inout SeededGenerator) {
        now += .seconds(1)
        switch Int.random(in: 0..<20, using: &generator) {
        case 0: restart()
        case 1..<9: send(isReplyLost: Int.random(in: 0..<6, using: &generator) == 0)
        case 9..<13: index(&generator)
        default: poll(isReplyLost: Int.random(in: 0..<5, using: &generator) == 0, &generator)
        }
    }

    /// What is not indexed yet is gone for good, and so is all knowledge of channels.
    private mutating func restart() {
        numbers = [:]
        next = [:]
    }

    private mutating func index(_ generator: inout SeededGenerator) {
        for receipt in numbers.values.flatMap(\.values) where Bool.random(using: &generator) {
            indexed.insert(receipt)
        }
    }

    private mutating func send(isReplyLost: Bool) {
        if !channel.mayBegin {
            old.append(channel)
            channel = HECChannel(name: "\(receipt)", timeout: .seconds(300))
        }
        channel.begin()
        receipt += 1
        let number = next[channel.name, default: 0]
        next[channel.name] = number + 1
        numbers[channel.name, default: [:]][number] = receipt
        note(isReplyLost ? channel.ended(replyLost: true) : channel.accepted(number, receipt: receipt, now: now))
    }

    private mutating func poll(isReplyLost: Bool, _ generator: inout SeededGenerator) {
        let place = Int.random(in: 0...old.count, using: &generator)
        var asked = place == old.count ? channel : old[place]
        let question = asked.ask()
        var states: [UInt64: Bool] = [:]
        for number in question {
            let isTrue = numbers[asked.name]?[number].map(indexed.contains) ?? false
            states[number] = isTrue
            if isTrue { numbers[asked.name]?[number] = nil }
        }
        if isReplyLost {
            asked.unanswered(question, isInDoubt: true, now: now)
        } else {
            note(asked.answered(question, states))
        }
        note(asked.expire(now: now))
        if place == old.count { channel = asked } else { old[place] = asked }
    }

    private mutating func note(_ settled: [HECChannel.Settled]) {
        for case .proven(let receipt) in settled where !indexed.contains(receipt) { falselyProven.append(receipt) }
    }
}
