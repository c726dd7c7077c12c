import Foundation

/// A file system with so much room and no more, unmounted when nobody holds it any more. Mounting takes root.
final class SmallDisk {
    private let path: String
    private let workplace: Workplace

    /// In memory; `resize` gives it more.
    init(mebibytes: Int, at name: String, in workplace: Workplace) throws {
        self.workplace = workplace
        path = workplace.path(name)
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        try mount(["-t", "tmpfs", "-o", "size=\(mebibytes)m", "tmpfs", path])
    }

    /// An ext4 in a file of the workplace.
    init(ext4Mebibytes mebibytes: Int, at name: String, in workplace: Workplace) throws {
        self.workplace = workplace
        path = workplace.path(name)
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        let image = workplace.url("\(name).image")
        try Data().write(to: image)
        try FileHandle(forWritingTo: image).truncate(atOffset: UInt64(mebibytes) << 20)
        // Without reserved blocks, so that root runs out of room like everyone.
        try run(["mkfs.ext4", "-q", "-m", "0", image.path])
        try mount(["-o", "loop", image.path, path])
    }

    deinit {
        _ = try? Child.run("/usr/bin/env", ["umount", "--lazy", path], in: workplace)
    }

    func resize(mebibytes: Int) throws { try mount(["-o", "remount,size=\(mebibytes)m", path]) }

    private func mount(_ arguments: [String]) throws { try run(["mount"] + arguments) }

    private func run(_ command: [String]) throws {
        let end = try Child.run("/usr/bin/env", command, in: workplace)
        guard end.status == 0 else { throw Child.Failure(description: "\(command[0]): \(end.errors)") }
    }

    /// Whether this machine lets us mount a loop device, tried once.
    static let canMountImages: Bool = {
        guard let workplace = try? Workplace() else { return false }
        return (try? SmallDisk(ext4Mebibytes: 4, at: "probe", in: workplace)) != nil
    }()
}
