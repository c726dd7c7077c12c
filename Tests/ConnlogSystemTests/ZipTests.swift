import ConnlogSystem
import ConnlogTestSupport
import Foundation
import Testing

/// Archives, opened by somebody else's program.
@Suite struct ZipTests {
    private func archive(
        _ files: [(name: String, bytes: [UInt8])], limits: ZipWriter.Limits = .init(), piece: Int = .max
    ) -> [UInt8] {
        let zip = ZipWriter(limits: limits)
        var output = ByteBuffer()
        for file in files {
            zip.begin(file.name, into: &output)
            for start in stride(from: 0, to: file.bytes.count, by: min(piece, max(1, file.bytes.count))) {
                let end = min(file.bytes.count, start + min(piece, file.bytes.count))
                zip.write(file.bytes.span.extracting(start..<end), into: &output)
            }
            zip.end(into: &output)
        }
        zip.finish(into: &output)
        return output.array
    }

    /// What Python's zipfile makes of it: a line for each file with its name, size, CRC, date and the SHA-256 of its bytes.
    private func read(_ archive: [UInt8]) throws -> [String] {
        let script = """
            import hashlib, io, sys, zipfile
            archive = zipfile.ZipFile(io.BytesIO(sys.stdin.buffer.read()))
            assert archive.testzip() is None
            for info in archive.infolist():
                data = archive.read(info)
                print(info.filename, info.file_size, "%08x" % info.CRC, info.date_time[0], oct(info.external_attr >> 16), hashlib.sha256(data).hexdigest())
            """
        let process = Process()
        let (input, output) = (
            FileManager.default.temporaryDirectory.appending(path: "\(UUID().uuidString).zip"), Pipe()
        )
        try Data(archive).write(to: input)
        defer { try? FileManager.default.removeItem(at: input) }
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["python3", "-c", script]
        process.standardInput = try FileHandle(forReadingFrom: input)
        process.standardOutput = output
        try process.run()
        let told = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        return String(decoding: told, as: UTF8.self).split(separator: "\n").map(String.init)
    }

    private func bytes(_ count: Int, seed: UInt64) -> [UInt8] {
        var generator = SeededGenerator(seed: seed)
        // Half of it noise, half of it a pattern.
        return (0..<count).map { $0.isMultiple(of: 2) ? UInt8.random(in: 0...255, using: &generator) : UInt8($0 % 7) }
    }

    @Test func `a checksum is the one that everybody knows`() {
        var crc = CRC32()
        crc.update(Array("1234".utf8).span)
        crc.update(Array("56789".utf8).span)
        #expect(crc.value == 0xcbf4_3926)
        crc.update([UInt8]().span)
        #expect(crc.value == 0xcbf4_3926)
    }

    @Test(arguments: [0, 1, 255 << 10, (256 << 10) - 1, 256 << 10, (256 << 10) + 1, 1 << 20])
    func `a file of any size comes out as it went in`(size: Int) throws {
        let file = bytes(size, seed: 3)
        let lines = try read(archive([("a.bin", file), ("b.txt", Array("text\n".utf8))]))
        #expect(lines.count == 2 && lines[0].hasPrefix("a.bin \(size) ") && lines[0].contains(" 1980 0o100644 "))
        #expect(lines[1].hasPrefix("b.txt 5 "))
    }

    @Test func `the same files give the same bytes, whatever the pieces`() throws {
        let file = bytes(700_000, seed: 4)
        let whole = archive([("a", file)])
        for piece in [1000, 65_536, 262_144, 262_145] { #expect(archive([("a", file)], piece: piece) == whole) }
    }

    @Test(arguments: [0, 1, 30, 99, 100, 101, 500, 100_000])
    func `numbers beyond what the narrow form can say are read in the wide one`(limit: UInt64) throws {
        var limits = ZipWriter.Limits()
        limits.size = limit
        let files = [("first", bytes(100, seed: 5)), ("second", bytes(3, seed: 6)), ("third", [])]
        let narrow = try read(archive(files))
        #expect(try read(archive(files, limits: limits)) == narrow && narrow.count == 3)
    }

    @Test(arguments: [1, 2, 3, 4]) func `so is the number of files`(limit: Int) throws {
        var limits = ZipWriter.Limits()
        limits.files = limit
        let files = (0..<3).map { ("file \($0)", bytes($0 * 10, seed: 7)) }
        let made = archive(files, limits: limits)
        #expect(try read(made).count == 3)
        let marks = made.indices.dropLast(3).count { made[$0..<$0 + 4].elementsEqual([0x50, 0x4b, 6, 6]) }
        #expect(marks == (limit <= 3 ? 1 : 0))
    }

    @Test func `names are UTF-8`() throws {
        #expect(try read(archive([("日本 ä.txt", [])]))[0].hasPrefix("日本 ä.txt 0 "))
    }
}
