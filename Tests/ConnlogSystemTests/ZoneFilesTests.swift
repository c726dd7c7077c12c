import ConnlogSystem
import Foundation
import Testing

/// A zone's file is read once, and again when it is another one.
@Suite struct ZoneFilesTests {
    private final class Folder: Sendable {
        let path = FileManager.default.temporaryDirectory.path + "/connlog-zones-\(UUID().uuidString)"

        init() throws {
            try FileManager.default.createDirectory(atPath: path + "/Some", withIntermediateDirectories: true)
        }

        deinit { try? FileManager.default.removeItem(atPath: path) }

        /// As a package is brought up to date: another file of the same name.
        func put(_ name: String, _ zone: String) throws {
            let bytes = try Data(contentsOf: URL(fileURLWithPath: "/usr/share/zoneinfo/\(zone)"))
            try bytes.write(to: URL(fileURLWithPath: "\(path)/\(name)"), options: .atomic)
        }

        func remove(_ name: String) throws { try FileManager.default.removeItem(atPath: "\(path)/\(name)") }
    }

    private static let time: Int64 = 1_770_000_000

    @Test func `a zone is read once, however often it is asked for`() throws {
        let folder = try Folder()
        try folder.put("Some/Where", "Asia/Tokyo")
        let files = ZoneFiles(folder.path)
        for _ in 0..<3 { #expect(try files.zone(named: "Some/Where").offset(at: Self.time) == 9 * 3600) }
        #expect(files.reads == 1)
    }

    @Test func `a new table is gone by from the next question on, and a zone that was taken away is none`() throws {
        let folder = try Folder()
        try folder.put("Some/Where", "Asia/Tokyo")
        let files = ZoneFiles(folder.path)
        #expect(try files.zone(named: "Some/Where").offset(at: Self.time) == 9 * 3600)
        try folder.put("Some/Where", "Asia/Kolkata")
        #expect(try files.zone(named: "Some/Where").offset(at: Self.time) == 19_800)
        #expect(files.reads == 2)
        try folder.remove("Some/Where")
        #expect(throws: Zone.Problem.self) { try files.zone(named: "Some/Where") }
        try folder.put("Some/Where", "Asia/Tokyo")
        #expect(try files.zone(named: "Some/Where").offset(at: Self.time) == 9 * 3600)
    }

    @Test(arguments: [(2, 2), (3, 3), (4, 8)])
    func `so many zones are kept and no more, and all are right`(count: Int, reads: Int) throws {
        let folder = try Folder()
        let files = ZoneFiles(folder.path, zonesMax: 3)
        for number in 0..<count { try folder.put("Some/Z\(number)", number % 2 == 0 ? "Asia/Tokyo" : "Asia/Kolkata") }
        for _ in 0..<2 {
            for number in 0..<count {
                let offset = try files.zone(named: "Some/Z\(number)").offset(at: Self.time)
                #expect(offset == (number % 2 == 0 ? 9 * 3600 : 19_800))
            }
        }
        // Beyond what is kept, all are read anew in turns; the last one is kept.
        #expect(files.reads <= reads && files.reads >= count)
    }

    @Test func `what is no zone is kept nowhere and pushes nothing out`() throws {
        let folder = try Folder()
        try folder.put("Some/Where", "Asia/Tokyo")
        try Data("no table".utf8).write(to: URL(fileURLWithPath: folder.path + "/Some/Text"))
        let files = ZoneFiles(folder.path, zonesMax: 1)
        _ = try files.zone(named: "Some/Where")
        for name in ["Some/Text", "Some/Nothing", "Some", "../etc/passwd", "some/where", ""] {
            #expect(throws: Zone.Problem.self) { try files.zone(named: name) }
        }
        let before = files.reads
        _ = try files.zone(named: "Some/Where")
        #expect(files.reads == before)
        #expect {
            try ZoneFiles(folder.path + "/none").zone(named: "Some/Where")
        } throws: {
            "\($0)".contains("install its package tzdata")
        }
    }
}
