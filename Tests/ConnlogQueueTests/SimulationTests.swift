import ConnlogSystem
import ConnlogTestSupport
import Testing

/// The simulated disk does what the proof needs of it.
@Suite struct SimulationTests {
    private func file(_ disk: SimulatedFileSystem, _ path: String = "/d/f") throws -> any OpenFile {
        try disk.createDirectory("/d")
        let file = try disk.open(path, .createNew)
        try disk.syncDirectory("/d")
        return file
    }

    private func write(_ file: any OpenFile, _ byte: UInt8, _ count: Int, at position: Int = 0) throws {
        let bytes = ByteBuffer([UInt8](repeating: byte, count: count))
        _ = try file.write(bytes, 0..<count, at: position)
    }

    @Test func `of unsynced sectors any subset survives, of synced ones all`() throws {
        let disk = SimulatedFileSystem()
        let file = try file(disk)
        try write(file, 1, 4 * 512)
        try file.sync()
        try write(file, 2, 3 * 512)
        var outcomes: Set<[UInt8]> = []
        for seed in 0..<300 as Range<UInt64> {
            let bytes = disk.restarted(seed: seed).bytes("/d/f")
            #expect(bytes.count == 4 * 512 && bytes[3 * 512] == 1)
            let sectors = (0..<3).map { bytes[$0 * 512] }
            for sector in 0..<3 {
                let part = bytes[sector * 512..<sector * 512 + 512]
                #expect(part.allSatisfy { $0 == sectors[sector] }, "a sector was torn")
            }
            outcomes.insert(sectors)
        }
        #expect(outcomes.count == 8)
        #expect(disk.restarted(seed: 0).bytes("/d/f") == [UInt8](repeating: 1, count: 4 * 512))
    }

    @Test func `a sector that was written twice may be as the first write left it`() throws {
        let disk = SimulatedFileSystem()
        let file = try file(disk)
        for byte in 1...3 as ClosedRange<UInt8> { try write(file, byte, 512) }
        let outcomes = Set((0..<200 as Range<UInt64>).map { disk.restarted(seed: $0).bytes("/d/f").first ?? 0 })
        #expect(outcomes == [0, 1, 2, 3])
    }

    @Test func `a sync that fails once lies the next time`() throws {
        let disk = SimulatedFileSystem(seed: 3)
        let file = try file(disk)
        try write(file, 1, 20 * 512)
        disk.fail(.error(Errno.inputOutput), atCall: disk.calls + 1)
        #expect(throws: SystemError.self) { try file.sync() }
        try file.sync()
        let bytes = disk.restarted(seed: 1).bytes("/d/f")
        let kept = (0..<20).count { bytes[$0 * 512] == 1 }
        #expect((1..<20).contains(kept))
        #expect(disk.bytes("/d/f") == [UInt8](repeating: 1, count: 20 * 512))
        // Written again, they count again.
        try write(file, 1, 20 * 512)
        try file.sync()
        #expect(disk.restarted(seed: 0).bytes("/d/f") == [UInt8](repeating: 1, count: 20 * 512))
    }

    @Test func `unsynced names are there or not, one by one; synced ones stay`() throws {
        let disk = SimulatedFileSystem()
        _ = try file(disk)
        try disk.rename("/d/f", to: "/d/g")
        _ = try disk.open("/d/h", .createNew)
        let outcomes = Set((0..<200 as Range<UInt64>).map { disk.restarted(seed: $0).names })
        #expect(outcomes == [["/d/f"], ["/d/g"], ["/d/f", "/d/h"], ["/d/g", "/d/h"]])
        try disk.syncDirectory("/d")
        #expect(disk.restarted(seed: 0).names == ["/d/g", "/d/h"])
    }

    @Test func `a call fails, writes short or crashes as it is told to, and a full disk takes what fits`() throws {
        let disk = SimulatedFileSystem()
        let file = try file(disk)
        disk.fail(.shortWrite, atCall: disk.calls + 1)
        let bytes = ByteBuffer([UInt8](repeating: 1, count: 100))
        #expect(try file.write(bytes, 0..<100, at: 0) == 50)
        disk.setCapacity(70)
        #expect(try file.write(bytes, 0..<50, at: 50) == 20)
        #expect(throws: SystemError(code: Errno.noSpace, call: "pwrite", subject: "disk")) {
            _ = try file.write(bytes, 0..<50, at: 70)
        }
        #expect(try file.write(bytes, 0..<70, at: 0) == 70)
        disk.fail(.crash, atCall: disk.calls + 1)
        #expect(throws: SystemError.self) { try file.sync() }
        #expect(disk.hasCrashed)
        #expect(throws: SystemError.self) { _ = try file.size() }
        disk.failRead(Errno.inputOutput, atRead: 1)
    }
}
