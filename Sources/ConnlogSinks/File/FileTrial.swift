internal import ConnlogCore
internal import ConnlogSystem

/// `connlog check --connect` and `--send` for a file sink.
///
/// The sink's own file is never written: a daemon may be at work on it, and a line of somebody else's in it would be
/// told as a foreign change, in the middle of a record that people trust. What can go wrong with the file (the
/// directory, permissions, room, quota, a disk that refuses) goes wrong with a scratch file beside it too, which is
/// written, synced, read back and removed. Its name begins with a dot, so no source's pattern meets it.
struct FileTrial {
    let options: FileSinkOptions
    let disk: any LogFileSystem

    private var directory: String { LocalFileSystem.parent(of: options.path) }

    // MARK: --connect

    func connect() -> [TrialFinding] {
        do throws(SystemError) {
            if let stream = try streamFinding() { return [stream] }
            guard let existing = try ScratchFile.existing(directory, disk) else {
                return [.failed("\(directory) cannot be made: nothing on the way to it is a directory")]
            }
            var findings = [try directoryFinding(existing)]
            findings += try fileFindings()
            findings += try roomFindings(existing)
            return findings
        } catch {
            return [failure(error)]
        }
    }

    private func scratch(in directory: String) -> ScratchFile {
        ScratchFile(FilePath.name(of: options.path), in: directory, permissions: options.permissions, disk: disk)
    }

    private func streamFinding() throws(SystemError) -> TrialFinding? {
        let path = options.path
        let kind = try disk.status(path)?.kind
        if DevicePath.isOne(path) || kind == .other {
            return .doubtful("\(path) is no regular file, so it cannot be tried, is not rotated, and keeps nothing")
        }
        switch kind {
        case .symbolicLink:
            return .failed("\(path) is a symbolic link, which is not written; name its target in 'path'")
        case .directory: return .failed("\(path) is a directory; name a file in it in 'path'")
        default: return nil
        }
    }

    private func directoryFinding(_ existing: String) throws(SystemError) -> TrialFinding {
        _ = try scratch(in: existing).roundTrip(ByteBuffer("connlog check\n".utf8))
        let proof = "a scratch file was written, synced and removed there"
        if existing == directory { return .good("\(directory) can be written: \(proof)") }
        return .good(
            "\(directory) does not exist; connlog will make it under \(existing), which can be written: \(proof)")
    }

    private func fileFindings() throws(SystemError) -> [TrialFinding] {
        guard let status = try disk.status(options.path) else {
            return [
                .good("\(options.path) does not exist yet; it will be made with mode \(octal(options.permissions))")
            ]
        }
        _ = try disk.openAppending(options.path)
        let size = Quantity.bytes(status.size)
        let found = "\(options.path) exists (\(size), mode \(octal(status.permissions))) and can be appended to"
        if status.links > 1 {
            let names = Quantity.count(status.links - 1, "other name")
            return [
                .doubtful("\(found), but it has \(names) (hard links), which get the events too; name another file")
            ]
        }
        guard status.permissions != 0, status.permissions != options.permissions else { return [.good(found)] }
        return [
            .doubtful("\(found), but mode = \(octal(options.permissions)) holds for new files only; chmod this one")
        ]
    }

    private func roomFindings(_ existing: String) throws(SystemError) -> [TrialFinding] {
        let free = try disk.space(of: existing).available
        let room = "\(Quantity.bytes(free)) free on the disk of \(existing)"
        guard free < options.rotateBytes, options.rotateBytes < .max else { return [.good(room)] }
        let size = Quantity.bytes(options.rotateBytes)
        return [
            .doubtful("\(room), less than one file of rotate_size (\(size)); make room, or lower rotate_size and keep")
        ]
    }

    // MARK: --send

    func send(_ batch: EventBatch) -> [TrialFinding] {
        var lines = ByteBuffer()
        var format = options.format
        for index in 0..<batch.count { format.append(batch, index, to: &lines) }
        var shown = lines.text
        if shown.hasSuffix("\n") { shown.removeLast() }
        do throws(SystemError) {
            if try streamFinding() != nil {
                var finding = TrialFinding.doubtful(
                    "nothing was written to \(options.path); the line would be: \(shown)")
                finding.isSent = false
                return [finding]
            }
            guard let existing = try ScratchFile.existing(directory, disk) else { return connect() }
            let back = try scratch(in: existing).roundTrip(lines)
            guard back.array == lines.array else {
                return [.failed("a scratch file in \(existing) did not give back what was written; look at the disk")]
            }
        } catch {
            return [failure(error)]
        }
        return [
            .notSent(
                "the line was written to a scratch file beside \(options.path), synced, read back and removed; "
                    + "the file itself is left alone, so that it holds real events only; the line: \(shown)")
        ]
    }

    private func failure(_ error: SystemError) -> TrialFinding { .failed(Reason(file: error).trialText) }

    private func octal(_ permissions: UInt32) -> String {
        let digits = String(permissions, radix: 8)
        return String(repeating: "0", count: max(0, 4 - digits.count)) + digits
    }
}
