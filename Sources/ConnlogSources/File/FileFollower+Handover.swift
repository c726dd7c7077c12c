import ConnlogCore
import ConnlogSystem

/// Entries that are open at the end of a file: of several lines, or in parts of which the last is missing.
///
/// After some seconds of silence one of several lines is complete. A rotation may come in the middle of either; then the
/// decoder of the new file goes on with it, and the old file's place stays before it until it is reported. So after a
/// restart in between the old file is read to its end once more, and hands it over again.
extension FileFollower {
    /// Takes an entry that might have gone on for a whole one when nothing came for a while.
    mutating func flushIfSilent(_ id: UInt64, _ now: Duration, _ batch: inout EventBatch) {
        // In place: it is asked of each file in each round.
        guard files[id]?.mayFlush == true, files[id]?.hasMore == false, var file = files[id],
            now >= file.grewAt + settings.silence
        else { return }
        files[id] = nil
        file.flushedAt = file.seenBytes
        do throws(SystemError) {
            if let open = try open(&file) {
                let outcome = try file.read(
                    open, 0, into: &batch, &scratch, .silent, makeDecoder, &counts)
                if outcome != .end { file.hasMore = true }
            }
        } catch {
            // The next look has it read as if there were more, which tells, and opens it anew.
            file.flushedAt = nil
            file.grewAt = now
            file.seen = nil
            if file.state == .following { file.file = nil }
        }
        files[id] = file
        settleInheritance(of: id)
    }

    /// Lets a file of which nothing was read yet go on with what the one before it has left open.
    /// - Returns: false when that one has to be read first.
    mutating func inherit(_ id: UInt64) -> Bool {
        guard let file = files[id], file.position.offset == 0, file.decoder == nil, !file.waitsFor.isEmpty,
            let former = file.waitsFor.last(where: { files[$0]?.pending ?? 0 > 0 }), files[former]?.bequest == nil,
            let size = (try? FileStatus(of: file.path))?.size, size > 0
        else { return true }
        if !file.hasAskedFormer, hasGrown(former) {
            files[id]?.hasAskedFormer = true
            files[former]?.hasMore = true
            return false
        }
        handOver(from: former, to: id)
        return true
    }

    private func hasGrown(_ id: UInt64) -> Bool {
        guard let file = files[id], let open = file.file, let size = (try? FileStatus(of: open))?.size else {
            return false
        }
        return size > file.seenBytes
    }

    private mutating func handOver(from former: UInt64, to id: UInt64) {
        guard let end = endOfLines(former), var decoder = files[former]?.decoder else { return }
        files[former]?.decoder = nil
        var next = makeDecoder()
        next.isOfFile(files[id]?.path ?? "")
        decoder.handOver(to: &next)
        files[former]?.decoder = decoder
        guard next.hasInherited else { return }
        files[id]?.adopt(next, from: former)
        files[former]?.bequest = FollowedFile.Bequest(heir: id, end: end.place, markerHash: end.markerHash)
    }

    /// After the last whole line of what was read of a file; `nil` if that holds none that waits.
    private mutating func endOfLines(_ id: UInt64) -> (place: Int, markerHash: UInt64)? {
        guard var file = files[id], let open = try? open(&file) else { return nil }
        files[id]?.file = open
        let start = file.position.offset - file.position.markerLength
        let count = file.position.markerLength + file.pending
        scratch.removeAll()
        guard (try? open.read(into: &scratch, at: start, count: count)) == count else { return nil }
        var end = count
        while end > file.position.markerLength, scratch[end - 1] != UInt8(ascii: "\n") { end -= 1 }
        guard end > file.position.markerLength else { return nil }
        let marker = scratch.span(max(0, end - FilePosition.markerMax)..<end)
        return (start + end, FilePosition.hash(marker))
    }

    /// Sees to the file before when its open entry was reported, or when that will not happen.
    mutating func settleInheritance(of id: UInt64) {
        guard let former = files[id]?.inherits, files[id]?.decoder?.hasInherited != true else { return }
        let isReported = files[id]?.decoder != nil
        files[id]?.inherits = nil
        guard let bequest = files[former]?.bequest, bequest.heir == id else { return }
        files[former]?.bequest = nil
        reawaken(former)
        if isReported { passBequest(former, bequest) } else { files[former]?.decoder = nil }
    }

    /// It may have grown while it was not to be read.
    private mutating func reawaken(_ id: UInt64) {
        if let state = files[id]?.state, state != .missing { files[id]?.hasMore = true }
    }

    /// What was handed over is reported, so reading goes on after it.
    private mutating func passBequest(_ id: UInt64, _ bequest: FollowedFile.Bequest) {
        guard var position = files[id]?.position else { return }
        files[id]?.pending -= bequest.end - position.offset
        position.offset = bequest.end
        position.markerHash = bequest.markerHash
        files[id]?.position = position
        files[id]?.restart = position
        files[id]?.mustSave = true
        index.note(id, position)
        // It may have had it from another one.
        guard let older = files[id]?.inherits, let its = files[older]?.bequest else { return }
        files[id]?.inherits = nil
        files[older]?.bequest = nil
        reawaken(older)
        passBequest(older, its)
    }

    /// A file of which nothing was read waits for the newest that was rotated away under its name, seen or not seen: it may
    /// have left something open.
    mutating func findFormer(of id: UInt64) {
        guard let file = files[id], file.state == .following, file.position.offset == 0, file.waitsFor.isEmpty else {
            return
        }
        let home = file.position.path
        let rotated = siblings(of: home).filter { FileFollower.isRotation($0.path, of: home) }
        let newest = rotated.max { $0.status.modified < $1.status.modified }
        guard let newest, let former = index.files(newest.status.identity).last, former != id,
            files[former]?.state != .missing
        else { return }
        files[id]?.waitsFor = [former]
    }
}
