import ConnlogCore
import ConnlogSystem
import Foundation
import Testing

@testable import ConnlogSources

/// A writer that does what programs and log rotation do, in a random order, and knows what it has written.
private struct RandomWriter {
    let bench: FollowerBench
    var random: SeededGenerator
    /// Whole lines, in all files.
    var written = ["0"]
    private var number = 0
    private var partial = ""
    private var others: [String] = []
    var history: [String] = []

    init(_ bench: FollowerBench, seed: UInt64) {
        self.bench = bench
        random = SeededGenerator(seed)
    }

    mutating func step() {
        switch Int.random(in: 0..<14, using: &random) {
        case 0...3: appendLines("a.log")
        case 4: appendPart()
        case 5: rotate(late: Bool.random(using: &random))
        case 6: copyTruncate()
        case 7: appendElsewhere()
        case 8: restart()
        case 9: crash()
        case 10: note("settle") { $0.settle() }
        default: note("poll") { $0.poll(after: .milliseconds(40)) }
        }
    }

    /// Completes what is begun.
    mutating func finish() {
        if !partial.isEmpty { completePart("a.log") }
    }

    private mutating func note(_ text: String, _ action: (FollowerBench) -> Void) {
        history.append(text)
        action(bench)
    }

    private mutating func line() -> String {
        number += 1
        let line = "\(number) " + String(repeating: "x", count: Int.random(in: 0..<90, using: &random))
        written.append(line)
        return line + "\n"
    }

    private mutating func appendLines(_ name: String) {
        if !partial.isEmpty { completePart(name) }
        let text = (0..<Int.random(in: 1...4, using: &random)).map { _ in line() }.joined()
        note("append \(name)") { $0.append(name, text) }
    }

    private mutating func appendPart() {
        guard partial.isEmpty else { return completePart("a.log") }
        let whole = line()
        let cut = Int.random(in: 1..<whole.utf8.count, using: &random)
        partial = String(whole.dropFirst(cut))
        note("part") { $0.append("a.log", String(whole.prefix(cut))) }
    }

    private mutating func completePart(_ name: String) {
        let rest = partial
        partial = ""
        note("complete \(name)") { $0.append(name, rest) }
    }

    /// Rotates by renaming; a writer that has not noticed completes its line in the renamed file.
    private mutating func rotate(late: Bool) {
        guard bench.exists("a.log") else { return }
        if !late, !partial.isEmpty { completePart("a.log") }
        note("rotate") { bench in
            bench.rename("a.log.2", "a.log.3")
            bench.rename("a.log.1", "a.log.2")
            bench.rename("a.log", "a.log.1")
        }
        if late {
            if Bool.random(using: &random) { note("poll") { $0.poll(after: .milliseconds(40)) } }
            if !partial.isEmpty { completePart("a.log.1") }
        }
        appendLines("a.log")
        // What is never seen before it is overwritten cannot be read: the third rotation comes after all was read.
        note("settle") { $0.settle() }
    }

    private mutating func copyTruncate() {
        guard bench.exists("a.log") else { return }
        if !partial.isEmpty { completePart("a.log") }
        // A file of which nothing was read cannot be known again in its copy.
        note("settle") { $0.settle() }
        note("copytruncate") { bench in
            bench.rename("a.log.2", "a.log.3")
            bench.rename("a.log.1", "a.log.2")
            bench.copyTruncate("a.log", "a.log.1")
        }
        if Bool.random(using: &random) { appendLines("a.log") }
        note("settle") { $0.settle() }
    }

    private mutating func appendElsewhere() {
        if others.count < 3 || Bool.random(using: &random) { others.append("b\(others.count).log") }
        let name = others[Int.random(in: 0..<others.count, using: &random)]
        let text = line()
        note("append \(name)") { $0.append(name, text) }
    }

    private mutating func restart() {
        note("restart") { $0.restart() }
    }

    private mutating func crash() {
        note("crash") { bench in
            bench.crashAt = bench.polls
            bench.poll(after: .milliseconds(40))
        }
    }
}

/// SplitMix64.
private struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(_ seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var value = state
        value = (value ^ (value >> 30)) &* 0xbf58_476d_1ce4_e5b9
        value = (value ^ (value >> 27)) &* 0x94d0_49bb_1331_11eb
        return value ^ (value >> 31)
    }
}

@Suite struct FileFollowerModelTests {
    @Test(arguments: 0..<200)
    func `whatever writers and rotations do, every line comes exactly once`(seed: UInt64) throws {
        let patterns = seed % 2 == 0 ? "*.log" : "*.log*"
        let bench = try FollowerBench(patterns, batchBytes: [64, 1 << 20][Int(seed / 2 % 2)])
        // A file that was never seen before it was renamed away cannot be known to have been one to read.
        bench.append("a.log", "0\n")
        bench.settle()
        var writer = RandomWriter(bench, seed: seed)
        for _ in 0..<40 { writer.step() }
        writer.finish()
        bench.settleAll()
        #expect(bench.follower.files.allSatisfy { bench.follower.index.agrees($0, $1.position) })
        let lost = Set(writer.written).subtracting(bench.lines).compactMap { $0.split(separator: " ").first }
        let extra = bench.lines.count - writer.written.count + lost.count
        #expect(lost.isEmpty && extra == 0, "seed \(seed): lost \(lost), repeated \(extra) in \(writer.history)")
    }

    /// Rotation by renaming with late writes, two rotations in a row, and a copytruncate, in one history.
    private func script(_ bench: FollowerBench) -> [String] {
        bench.append("a.log", "1\n2\n3\n")
        bench.poll()
        bench.append("a.log", "4\n5\n6 in two ")
        bench.poll()
        bench.append("a.log", "parts\n7\n")
        bench.rename("a.log", "a.log.1")
        bench.poll()
        bench.append("a.log.1", "8\n")
        bench.append("a.log", "9\n10\n")
        for _ in 0..<4 { bench.poll() }
        bench.append("a.log", "11\n")
        bench.rename("a.log.1", "a.log.2")
        bench.rename("a.log", "a.log.1")
        bench.append("a.log", "12\n13\n")
        for _ in 0..<3 { bench.poll(after: .milliseconds(600)) }
        // Something of a file must have been read for its copy to be known.
        bench.settle()
        bench.append("a.log", "14\n15\n")
        bench.copyTruncate("a.log", "a.log.0")
        bench.append("a.log", "16\n17\n18\n19\n20\n21\n")
        bench.settleAll()
        return (1...21).map { $0 == 6 ? "6 in two parts" : "\($0)" }
    }

    @Test(arguments: ["a.log", "a.log*"])
    func `a restart at any checkpoint of a history with rotations loses and repeats nothing`(pattern: String) throws {
        let whole = try FollowerBench(pattern, batchBytes: 4)
        let expected = script(whole)
        #expect(whole.lines.sorted() == expected.sorted())
        for crashAt in 0..<min(whole.polls, 60) {
            let bench = try FollowerBench(pattern, batchBytes: 4)
            bench.crashAt = crashAt
            _ = script(bench)
            #expect(bench.lines.sorted() == expected.sorted(), "crash at poll \(crashAt)")
        }
    }
}
