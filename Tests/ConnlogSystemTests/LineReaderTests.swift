import ConnlogSystem
import ConnlogTestSupport
import Foundation
import Testing

@Suite struct LineReaderTests {
    /// The lines of these bytes, read through a real file.
    private func read(_ bytes: [UInt8], isCompressed: Bool) throws -> (lines: [String], rest: String) {
        let file = FileManager.default.temporaryDirectory.appending(path: "lines-\(UUID().uuidString)")
        try Data(bytes).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        let opened = try LocalFileSystem().open(file.path, .read)
        var reader = LineReader(opened, path: "x.gz", isCompressed: isCompressed)
        var lines: [String] = []
        var position = 0
        while let start = try reader.next() {
            #expect(start == position)
            position = start + reader.line.count + 1
            lines.append(reader.line.text)
        }
        #expect(reader.bytesRead == bytes.count)
        return (lines, reader.unfinished.text)
    }

    private func packed(_ texts: [String]) -> [UInt8] {
        var output = ByteBuffer()
        for text in texts {
            let gzip = Gzip()
            gzip.update(ByteBuffer(text.utf8).span, into: &output)
            gzip.finish(into: &output)
        }
        return output.array
    }

    /// Lines of many lengths, some longer than what is read at a time.
    private static let long =
        (0..<2000).map { "\($0) " + String(repeating: "a\($0 % 7)", count: $0 * 37 % 900) }
        + [String(repeating: "z", count: 600_000), "", "last"]

    @Test func `lines come as they are, and what has no end is no line`() throws {
        for text in ["", "a", "a\n", "a\nb", "\n\na\n"] {
            var parts = text.components(separatedBy: "\n")
            let rest = parts.removeLast()
            let found = try read(Array(text.utf8), isCompressed: false)
            #expect(found.lines == parts && found.rest == rest, "\(text.debugDescription)")
        }
        let text = Self.long.map { $0 + "\n" }.joined()
        #expect(try read(Array(text.utf8), isCompressed: false).lines == Self.long)
    }

    @Test func `compressed files give the same, in one member or many`() throws {
        let text = Self.long.map { $0 + "\n" }.joined()
        #expect(try read(packed([text]), isCompressed: true).lines == Self.long)
        let halves = [String(text.prefix(70_001)), String(text.dropFirst(70_001)), ""]
        #expect(try read(packed(halves), isCompressed: true).lines == Self.long)
        #expect(try read([], isCompressed: true).lines.isEmpty)
    }

    @Test func `a cut and a damaged compressed file are errors that name the file`() throws {
        let bytes = packed([Self.long.joined(separator: "\n")])
        #expect(throws: LineReaderError.gunzip(file: "x.gz", .cut)) {
            try read(Array(bytes.dropLast(9)), isCompressed: true)
        }
        var damaged = bytes
        damaged[bytes.count - 6] ^= 1
        #expect(throws: LineReaderError.self) { try read(damaged, isCompressed: true) }
        #expect(throws: LineReaderError.self) { try read(Array("not gzip at all\n".utf8), isCompressed: true) }
    }

    @Test func `who holds a lock stands in the kernel's table`() throws {
        let file = FileManager.default.temporaryDirectory.appending(path: "lock-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: file) }
        #expect(LockTable.holder(of: file) == nil)
        let lock = try LocalFileSystem().lock(file)
        #expect(LockTable.holder(of: file) == Machine.processID)
        withExtendedLifetime(lock) {}
    }
}
