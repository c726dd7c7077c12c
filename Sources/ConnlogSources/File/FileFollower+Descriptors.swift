import ConnlogCore
import ConnlogSystem

/// How many files stay open: they are open for reading only, and others need descriptors as well.
extension FileFollower {
    /// Opens a file; where descriptors are short, closes those of silent files first, and keeps fewer from then on.
    mutating func openFile(_ path: String) throws(SystemError) -> LocalFile {
        let file: LocalFile
        do throws(SystemError) {
            file = try settings.open(path)
        } catch {
            guard error.isNoDescriptor, makeRoom() else { throw error }
            file = try settings.open(path)
        }
        opened += 1
        if file.descriptor >= settings.descriptorRoof {
            makeRoom()
        } else if openMax < settings.openMax, file.descriptor < settings.descriptorRoof - 2 * openMin {
            openMax += 1
        }
        return file
    }

    private var openMin: Int { 4 }

    /// Closes a quarter of the files that are open.
    /// - Returns: whether there was one.
    @discardableResult
    private mutating func makeRoom() -> Bool {
        let open = files.values.count { $0.file != nil && $0.state == .following }
        openMax = max(openMin, min(openMax, open * 3 / 4))
        if !hasSaidShort {
            hasSaidShort = true
            log(
                .warning,
                "only \(Machine.descriptorLimit) files may be open at once, and most of them are; files are closed and opened "
                    + "again to read them all, which costs time: raise LimitNOFILE (ulimit -n)")
        }
        let before = files.values.count { $0.file != nil }
        closeSome(atLeast: 1)
        return files.values.count { $0.file != nil } < before
    }

    /// Finishes a file that has left and was read to its end; where a last line is left to be taken, in this round.
    private mutating func finishEarly(_ id: UInt64) {
        guard let file = files[id] else { return }
        if file.pending == 0, file.restart == file.position {
            close(id, lastPoll)
        } else {
            files[id]?.isHurried = true
        }
    }

    /// Closes the files that have been silent longest when too many are open. Those that have left cannot be opened
    /// again, so there the ones that are read to their end are finished without waiting.
    mutating func closeSome(atLeast least: Int = 0) {
        opened = 0
        let open = order.filter { files[$0]?.file != nil }
        let leaving = open.filter { files[$0]?.state == .leaving }
        for id in leaving.dropLast(openMax) where files[id]?.hasMore == false { finishEarly(id) }
        let following = open.filter { files[$0]?.state == .following }
        let excess = max(following.count - openMax, min(least, following.count))
        guard excess > 0 else { return }
        let silent = following.sorted { (files[$0]?.grewAt ?? .zero) < (files[$1]?.grewAt ?? .zero) }
        for id in silent.prefix(excess) { files[id]?.file = nil }
    }
}
