import ConnlogSystem
import ConnlogTestSupport
import Foundation
import Testing

@testable import ConnlogCore
@testable import ConnlogSources

/// `journalctl -o export`, of real journals and of bytes that no journal would have.
@Suite struct JournalExportTests {
    private typealias Entry = JournalFiles.Entry

    /// Decodes pieces as a source does: what was not consumed comes again, and a restart begins where the decoder says.
    private func decode(
        _ bytes: [UInt8], piece: Int, restartAt: Int? = nil, maxLine: Int = 1 << 20
    ) -> (records: [String], counts: DecodeCounts) {
        func make() -> EventDecoder { EventDecoder(format: .journalExport, maxLine: maxLine) }
        var decoder = make()
        var (records, counts) = ([String](), DecodeCounts())
        var (start, end) = (0, 0)
        while end < bytes.count {
            end = min(bytes.count, end + piece)
            var batch = EventBatch()
            batch.bytes.append(contentsOf: Array(bytes[start..<end]))
            start += decoder.decode(0..<end - start, in: &batch, isEnd: end == bytes.count)
            records += batch.records.map { batch.bytes.text($0.range) }
            if let at = restartAt, end >= at, end - piece < at {
                counts.merge(decoder.takeCounts())
                start -= decoder.restartDistance
                end = start
                decoder = make()
                if at <= start { continue }
                // Once only.
                let rest = decode(Array(bytes[start...]), piece: piece, maxLine: maxLine)
                counts.merge(rest.counts)
                return (records + rest.records, counts)
            }
        }
        counts.merge(decoder.takeCounts())
        return (records, counts)
    }

    private func exported(_ entries: [Entry]) throws -> [UInt8] {
        let files = try JournalFiles()
        try files.write(entries)
        return Array(try SpawnedProgram.output(of: "/usr/bin/journalctl", ["-D", files.path, "-o", "export"]))
    }

    /// Bytes as in the format's description.
    private func entry(_ message: [UInt8], _ more: [String: String] = [:]) -> [UInt8] {
        var bytes = Array(
            "__CURSOR=s=1\n_BOOT_ID=b\n_TRANSPORT=stdout\n_STREAM_ID=a\n_SYSTEMD_UNIT=coder.service\n".utf8)
        for (name, value) in more { bytes += Array("\(name)=\(value)\n".utf8) }
        bytes += Array("MESSAGE\n".utf8)
        for shift in stride(from: 0, to: 64, by: 8) { bytes.append(UInt8(truncatingIfNeeded: message.count >> shift)) }
        return bytes + message + [10, 10]
    }

    private static let lines = (0..<6).map { TestEvents.line($0) }

    @Test func `what a journal exports is read, whatever its bytes and the pieces`() throws {
        var written = Self.lines.enumerated().map { Entry($1).later(UInt64($0)) }
        written[1] = Entry(Array(Self.lines[1].utf8) + [0x0a]).later(1)
        written[2] = Entry(Array("\u{1b}[0m\(Self.lines[2])".utf8)).later(2)
        let bytes = try exported(written)
        for piece in [1, 7, 100, 4096, bytes.count] {
            let run = decode(bytes, piece: piece)
            #expect(run.records == Self.lines, "\(piece)")
            #expect(
                run.counts.malformed.isEmpty && run.counts.partial == 0 && run.counts.bytes == bytes.count,
                "\(run.counts)")
        }
    }

    @Test func `a value that holds the end of an entry and another is one line`() throws {
        let forged =
            "x\n\n__CURSOR=s=1\n_BOOT_ID=b\n_TRANSPORT=stdout\n_SYSTEMD_UNIT=coder.service\nMESSAGE=\(Self.lines[0])\n\n"
        for bytes in [try exported([Entry(forged)]), entry(Array(forged.utf8))] {
            for piece in [1, 50, bytes.count] {
                for restart in stride(from: 1, to: bytes.count, by: 13) {
                    #expect(decode(bytes, piece: piece, restartAt: restart).records.isEmpty, "\(piece) \(restart)")
                }
            }
        }
    }

    @Test func `a restart anywhere reads each event, and reads none twice that was handed over`() {
        let parts =
            entry(Array(Self.lines[4].utf8.prefix(100)), ["_LINE_BREAK": "line-max"])
            + entry(Array(Self.lines[4].utf8.dropFirst(100)))
        let bytes = Self.lines[..<4].flatMap { entry(Array($0.utf8)) } + parts + entry(Array(Self.lines[5].utf8))
        for restart in stride(from: 1, to: bytes.count, by: 17) {
            #expect(decode(bytes, piece: 37, restartAt: restart).records == Self.lines, "\(restart)")
        }
    }

    @Test func `what is no entry ends what is read, and is told`() {
        let good = entry(Array(Self.lines[0].utf8))
        for bad in [
            "lower=1\n\n", "=x\n\n", "A B=1\n", "MESSAGE\nxxxxxxxxxxxxxxx\n", String(repeating: "A", count: 70) + "=\n",
        ] {
            let bytes = good + Array(bad.utf8) + entry(Array(Self.lines[1].utf8))
            for piece in [1, 64, bytes.count] {
                let run = decode(bytes, piece: piece)
                #expect(run.records == [Self.lines[0]], "\(bad) \(piece)")
                #expect(
                    run.counts.malformed == [.badContainerLine: 1] && run.counts.bytes == bytes.count,
                    "\(bad) \(run.counts)")
                #expect(
                    decode(bytes, piece: piece, restartAt: good.count + bad.utf8.count + 20).records == [Self.lines[0]])
            }
        }
    }

    @Test(arguments: [100, 3_000, 60_000, 90_000, 200_000])
    func `an entry that is longer than can be held is passed over alone`(size: Int) {
        let filler = Array(repeating: UInt8(ascii: "\n"), count: size)
        for long in [entry(filler), entry(Array("x".utf8), ["LONG": String(repeating: "y", count: size)])] {
            let bytes = entry(Array(Self.lines[0].utf8)) + long + entry(Array(Self.lines[1].utf8))
            for piece in [1000, bytes.count] {
                let run = decode(bytes, piece: piece, maxLine: 1024)
                #expect(run.records == [Self.lines[0], Self.lines[1]], "\(piece) \(run.counts)")
                #expect(run.counts.bytes == bytes.count)
                for restart in [2_000, 50_000, size] where restart < bytes.count {
                    #expect(
                        decode(bytes, piece: 1000, restartAt: restart, maxLine: 1024).records.count == 2, "\(restart)")
                }
            }
        }
    }

    @Test func `an entry that was not written to its end is told and left`() {
        let bytes = entry(Array(Self.lines[0].utf8))
        let run = decode(bytes + bytes.dropLast(3), piece: 100)
        #expect(run.records == [Self.lines[0]] && run.counts.partial == 1)
    }

    /// As a source holds it: what is not consumed stays, and more comes.
    private func most(_ bytes: [UInt8], piece: Int, maxLine: Int) -> (held: Int, run: DecodeCounts, records: [String]) {
        var decoder = EventDecoder(format: .journalExport, maxLine: maxLine)
        var (start, end, held, records) = (0, 0, 0, [String]())
        while end < bytes.count {
            end = min(bytes.count, end + piece)
            var batch = EventBatch()
            batch.bytes.append(contentsOf: Array(bytes[start..<end]))
            start += decoder.decode(0..<end - start, in: &batch, isEnd: false)
            records += batch.records.map { batch.bytes.text($0.range) }
            held = max(held, end - start)
            #expect(decoder.restartDistance <= start, "a restart would begin before the stream")
        }
        return (held, decoder.takeCounts(), records)
    }

    @Test func `damage behind an open entry ends it, is told once, and nothing piles up`() {
        let good = entry(Array(Self.lines[0].utf8))
        let part = entry(Array(Self.lines[1].utf8.prefix(100)), ["_LINE_BREAK": "line-max"])
        let header = "2025-07-03 05:09:41.000 [info]  coderd: something else"
        for open in [part, entry(Array(header.utf8))] {
            let rest = [UInt8](repeating: UInt8(ascii: "x"), count: 200_000)
            let run = most(good + open + Array("lower=1\n\n".utf8) + rest, piece: 1000, maxLine: 1024)
            #expect(run.records == [Self.lines[0]])
            #expect(run.held < 1000 + open.count, "\(run.held)")
            #expect(run.run.malformed[.badContainerLine] == 1, "\(run.run)")
            #expect(run.run.bytes == good.count + open.count + 9 + rest.count, "\(run.run)")
        }
    }

    @Test func `an entry too long behind an open one is passed over, and what comes then is read`() {
        let part = entry(Array(Self.lines[1].utf8.prefix(100)), ["_LINE_BREAK": "line-max"])
        let long = entry(Array("x".utf8), ["LONG": String(repeating: "y", count: 300_000)])
        let bytes = part + long + entry(Array(Self.lines[2].utf8))
        let run = most(bytes, piece: 1000, maxLine: 1024)
        #expect(run.records == [Self.lines[2]])
        #expect(run.held < 3 * 1024 + (1 << 16) + 1000, "\(run.held)")
        #expect(run.run.tooLong == 1 && run.run.partial == 1 && run.run.bytes == bytes.count, "\(run.run)")
    }

    @Test func `damage inside an entry that is passed over is told, and a restart begins in the stream`() {
        let long = Array("__CURSOR=s=1\nLONG=\(String(repeating: "y", count: 200_000))\n".utf8)
        for bad in ["lower=1\n\n", "M\n\u{ff}\u{ff}xxxxxxxxxxx", String(repeating: "A", count: 65) + "=\n"] {
            let bytes = long + Array(bad.utf8) + [UInt8](repeating: UInt8(ascii: "x"), count: 5000)
            for piece in [500, 70_000, bytes.count] {
                let run = most(bytes, piece: piece, maxLine: 1024)
                #expect(run.run.malformed == [.badContainerLine: 1], "\(piece): \(run.run)")
                // What comes at once is not too long to be presented.
                #expect(run.run.tooLong == (piece == bytes.count ? 0 : 1), "\(piece): \(run.run)")
                #expect(run.run.bytes == bytes.count, "\(piece): \(run.run)")
            }
        }
    }

    @Test(arguments: [(-1, false), (0, false), (1, true)])
    func `a value may be as long as the limit says, and a name too`(more: Int, isDamage: Bool) {
        var value = Array("MESSAGE\n".utf8)
        let length = UInt64(JournalExport.valueMax + more)
        for shift in stride(from: 0, to: 64, by: 8) { value.append(UInt8(truncatingIfNeeded: length >> UInt64(shift))) }
        let name = Array((String(repeating: "A", count: JournalExport.nameMax + more) + "=\n").utf8)
        for bytes in [value + Array("x".utf8), name + entry(Array("x".utf8))] {
            let counts = decode(bytes, piece: 7).counts
            #expect(counts.malformed == (isDamage ? [.badContainerLine: 1] : [:]), "\(counts)")
        }
    }
}
