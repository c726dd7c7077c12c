import ConnlogSystem
import ConnlogTestSupport
import Foundation
import Testing

@Suite struct GzipTests {
    private func inflated(_ bytes: ByteBuffer) throws -> [UInt8] {
        var out = ByteBuffer()
        try Gunzip.decompress(bytes.span, into: &out, limit: 64 << 20)
        return out.array
    }

    /// Text that compresses, or noise that does not.
    private func sample(_ count: Int, seed: UInt64, noise: Bool) -> [UInt8] {
        var state = seed &* 2 &+ 1
        return (0..<count).map { index in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return noise ? UInt8(truncatingIfNeeded: state >> 56) : UInt8(0x61 + index % 7)
        }
    }

    @Test(arguments: [0, 1, 2, 63, 64, 65, 1000, 65_535, 65_536, 300_000], [false, true])
    func `what is compressed at once comes back the same`(count: Int, noise: Bool) throws {
        let gzip = Gzip()
        let bytes = sample(count, seed: UInt64(count), noise: noise)
        for _ in 0..<2 {
            var out = ByteBuffer()
            gzip.compress(bytes.span, into: &out)
            #expect(try inflated(out) == bytes)
        }
    }

    @Test(arguments: [1, 7, 4096, 200_000])
    func `a file compressed in parts is one member that gzip itself reads`(part: Int) throws {
        let gzip = Gzip()
        let bytes = sample(part == 1 ? 3000 : 450_001, seed: 5, noise: false) + sample(9000, seed: 6, noise: true)
        var out = ByteBuffer()
        for start in stride(from: 0, to: bytes.count, by: part) {
            gzip.update(Array(bytes[start..<min(bytes.count, start + part)]).span, into: &out)
        }
        gzip.finish(into: &out)
        #expect(try inflated(out) == bytes)
        #expect(try gunzipByTool(out.array) == bytes)
    }

    @Test func `members one after another are read as one`() throws {
        let gzip = Gzip()
        var out = ByteBuffer()
        for part: [UInt8] in [[1, 2, 3], [], [4]] { gzip.compress(part.span, into: &out) }
        #expect(try inflated(out) == [1, 2, 3, 4])
    }

    @Test func `every cut and every flipped byte is noticed`() throws {
        let gzip = Gzip()
        var out = ByteBuffer()
        gzip.compress(sample(200, seed: 1, noise: true).span, into: &out)
        var inflated = ByteBuffer()
        func isRead(_ bytes: [UInt8]) -> Bool {
            inflated.removeAll()
            let result = Result { try Gunzip.decompress(bytes.span, into: &inflated, limit: 1 << 20) }
            return (try? result.get()) != nil
        }
        for end in 0..<out.count { #expect(!isRead(Array(out.array[0..<end])), "cut to \(end)") }
        // Bytes 3 to 9 are flags, time and system, and most of byte 10 is filling: they may change unseen.
        for place in [0, 1, 2] + Array(11..<out.count) {
            var damaged = out.array
            damaged[place] ^= 0x10
            #expect(!isRead(damaged), "byte \(place)")
        }
    }

    @Test func `a small input cannot fill the memory`() throws {
        var out = ByteBuffer()
        Gzip().compress([UInt8](repeating: 0, count: 5 << 20).span, into: &out)
        var inflated = ByteBuffer()
        #expect(throws: GunzipError.self) { try Gunzip.decompress(out.span, into: &inflated, limit: 1 << 20) }
        #expect(inflated.count < 2 << 20)
    }

    private func gunzipByTool(_ bytes: [UInt8]) throws -> [UInt8] {
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("connlog-\(UUID().uuidString).gz")
        try Data(bytes).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        return Array(try SpawnedProgram.output(of: "/usr/bin/env", ["gzip", "-dc", file.path]))
    }
}
