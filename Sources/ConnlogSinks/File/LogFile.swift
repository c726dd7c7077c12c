internal import ConnlogCore
internal import ConnlogSystem

/// One regular file, open for appending whole lines.
///
///     |<- committed ->|<- written since ->|<- tail, found at the start ->|
///                     syncedLength        length                        end
///
/// The *tail* is what a crash left behind the committed length. It is neither trusted nor cut: the queue sends its
/// events again, and as long as the bytes are those that would be written, they are taken as written. So a line is
/// there once, torn lines are completed, and what somebody else has put there is found out and left alone.
struct LogFile {
    /// What stands after the end and was not written by this object.
    enum Change { case none, grown, cut }

    let path: String
    let identity: FileIdentity
    /// When its first line was written, by the wall clock.
    private(set) var begun: Nanoseconds
    /// Where the next line goes.
    private(set) var length: Int
    /// The end of the file as it was last seen; beyond `length` only while there is a tail.
    private(set) var end: Int

    let disk: any LogFileSystem
    private let file: any OpenFile
    let report: FileReport
    /// The tail may hold events in another order than they come now, so each line of it is looked up.
    private let knowsTail: Bool
    private var lacksLineFeed = false
    private var syncedLength: Int
    /// Of the bytes from `syncedLength` to `length`; `nil` when others' are among them.
    private var checksum: CRC32C? = CRC32C()
    private var isDirty = false
    private var isSuspect = false

    /// The most that is looked at to find out whose a tail is.
    static let tailBytesMax = 64 << 20
    private static let pieceBytes = 1 << 20

    /// - Parameters:
    ///   - length: where the tail begins; `nil` for a file all of which is to be left alone.
    ///   - knowsTail: whether a commit says that the file is ours.
    init(
        _ file: any OpenFile, path: String, length: Int?, begun: Nanoseconds, knowsTail: Bool = false,
        disk: any LogFileSystem, report: FileReport
    ) throws(SystemError) {
        self.file = file
        self.path = path
        self.begun = begun
        self.disk = disk
        self.report = report
        self.knowsTail = knowsTail
        identity = try file.identity()
        end = try file.size()
        self.length = length ?? end
        syncedLength = length ?? end
        if length == nil { try adoptEnd() }
    }

    /// The clock was ahead when it was begun.
    mutating func begin(at time: Nanoseconds) { begun = time }

    var hasTail: Bool { end > length }
    /// Bytes the file will have before the next line.
    var lengthBeforeLine: Int { length + (lacksLineFeed ? 1 : 0) }
    /// The size up to which the file may grow: a tail was within the limit when it was written.
    func limit(_ rotateBytes: Int) -> Int { max(rotateBytes, hasTail ? end : 0) }

    /// Looks whether somebody else has appended or cut. Then the file as it is now is left alone, and lines go after it.
    mutating func noticeChange() throws(SystemError) -> Change {
        let size = try file.size()
        if size == end { return .none }
        let change: Change = size > end ? .grown : .cut
        if hasTail, size >= length {
            end = size
            return .none
        }
        end = size
        try adoptEnd()
        return change
    }

    /// Appends whole lines, or, after an error, none of them.
    mutating func append(_ lines: ByteBuffer) throws(SystemError) {
        let start = (length: length, lacksLineFeed: lacksLineFeed)
        var present = 0
        var written = 0
        do throws(SystemError) {
            present = try compareTail(lines)
            try write(lines, from: present, &written)
        } catch {
            takeBack(written)
            length = start.length
            lacksLineFeed = start.lacksLineFeed
            throw error
        }
        report.counters.add(\.bytesWritten, lines.count - present)
        report.counters.add(\.bytesFoundAgain, present)
        checksum?.update(lines.span)
        isDirty = true
        // Whether an earlier fdatasync failed for bytes that are there is not known.
        if present > 0 { isSuspect = true }
    }

    /// Makes everything up to `length` durable.
    mutating func sync() throws(SystemError) {
        if isDirty, !isSuspect {
            do throws(SystemError) {
                try file.sync()
            } catch {
                // The kernel may have dropped the pages, and a second fdatasync would say that all is well.
                isSuspect = true
                report.failedSync(error)
            }
        }
        if isSuspect { try rewrite() }
        isSuspect = false
        isDirty = false
        syncedLength = length
        checksum = CRC32C()
    }

    func marker() throws(SystemError) -> UInt32 { try LogFile.marker(file, before: length) }

    /// The CRC32C of the last 64 bytes before `length`.
    static func marker(_ file: any OpenFile, before length: Int) throws(SystemError) -> UInt32 {
        var bytes = ByteBuffer()
        let start = max(0, length - FileCommit.markerBytes)
        try file.readAll(into: &bytes, start..<length)
        var checksum = CRC32C()
        checksum.update(bytes.span)
        return checksum.value
    }

    // MARK: Writing

    /// - Parameter written: counts what is in the file, after an error too.
    private mutating func write(_ lines: ByteBuffer, from present: Int, _ written: inout Int) throws(SystemError) {
        if lacksLineFeed, present < lines.count {
            written += try file.writeAll(ByteBuffer([UInt8(ascii: "\n")]), at: length)
            lacksLineFeed = false
            report.tornLine(path)
            length += 1
        }
        var done = present
        while done < lines.count {
            let more = try file.write(lines, done..<lines.count, at: length + done - present)
            guard more > 0 else { throw SystemError(code: Errno.noSpace, call: "write", subject: path) }
            done += more
            written += more
        }
        length += lines.count - present
        end = max(end, length)
    }

    /// Takes back a part of a line, so that the file ends in a whole one while the disk is full. Where that cannot be
    /// done the part is a tail, and the next attempt completes it.
    private mutating func takeBack(_ written: Int) {
        do throws(SystemError) {
            let good = end
            end = try file.size()
            guard written > 0, end == good + written else { return }
            try file.truncate(to: good)
            end = good
        } catch {
            report.log(.warning, "\(path) ends in a part of a line for now: \(error)")
        }
    }

    /// Writes the same bytes over themselves, so that the kernel has to bring them to the disk, and syncs.
    private func rewrite() throws(SystemError) {
        let failure = SystemError(code: Errno.inputOutput, call: "fdatasync", subject: path)
        guard let checksum, try checksumOfWritten() == checksum else { throw failure }
        // A descriptor without O_APPEND: with it every write goes to the end.
        let other = try disk.open(path, .readWrite)
        guard try other.identity() == identity else { throw failure }
        try forEachPiece(syncedLength..<length) { (piece, position) throws(SystemError) in
            _ = try other.writeAll(piece, at: position)
        }
        try other.sync()
    }

    private func checksumOfWritten() throws(SystemError) -> CRC32C {
        var found = CRC32C()
        try forEachPiece(syncedLength..<length) { (piece, _) throws(SystemError) in found.update(piece.span) }
        return found
    }

    private func forEachPiece(
        _ range: Range<Int>, _ body: (ByteBuffer, Int) throws(SystemError) -> Void
    ) throws(SystemError) {
        var piece = ByteBuffer()
        var position = range.lowerBound
        while position < range.upperBound {
            piece.removeAll()
            try file.readAll(into: &piece, position..<min(range.upperBound, position + LogFile.pieceBytes))
            if piece.isEmpty { return }
            try body(piece, position)
            position += piece.count
        }
    }

    // MARK: The tail

    /// Leaves everything in the file alone, up to its end.
    private mutating func adoptEnd() throws(SystemError) {
        length = end
        checksum = nil
        isDirty = true
        var last = ByteBuffer()
        if end > 0 { try file.readAll(into: &last, end - 1..<end) }
        lacksLineFeed = !last.isEmpty && last[0] != UInt8(ascii: "\n")
    }

    /// Goes past what is in the file already.
    /// - Returns: how many bytes of `lines` that are.
    private mutating func compareTail(_ lines: ByteBuffer) throws(SystemError) -> Int {
        guard hasTail else { return 0 }
        var found = ByteBuffer()
        try file.readAll(into: &found, length..<min(end, length + lines.count))
        let same = LogFile.commonBytes(found.span, lines.span)
        if same == found.count {
            length += same
            return same
        }
        let whole = LogFile.wholeLines(lines.span, upTo: same)
        length += whole
        try leaveTail(lines, from: whole)
        return whole
    }

    /// The rest of the tail is not what comes next. After a power failure it is ours, with holes, and its events are
    /// to be written again: it goes to a file of its own. Else somebody else has put it there: it stays.
    private mutating func leaveTail(_ lines: ByteBuffer, from whole: Int) throws(SystemError) {
        let check = TailCheck(lines, from: whole, looksUpLines: knowsTail)
        let last = min(end, length + LogFile.tailBytesMax)
        guard try check.isOurs(file, length..<last) else {
            report.foreignChange(path, "was changed")
            return try adoptEnd()
        }
        let copy = try setAside(length..<end)
        try file.truncate(to: length)
        report.setAside(path, copy)
        end = length
        lacksLineFeed = false
    }

    private func setAside(_ range: Range<Int>) throws(SystemError) -> String {
        var number = 1
        while try disk.status("\(path).tail-\(number)") != nil { number += 1 }
        let copy = try disk.createAppending("\(path).tail-\(number)", permissions: 0o600)
        try forEachPiece(range) { (piece, position) throws(SystemError) in
            _ = try copy.writeAll(piece, at: position - range.lowerBound)
        }
        try copy.sync()
        try disk.syncDirectory(LocalFileSystem.parent(of: path))
        return "\(path).tail-\(number)"
    }

    private static func commonBytes(_ left: Span<UInt8>, _ right: Span<UInt8>) -> Int {
        let most = min(left.count, right.count)
        var same = 0
        while same < most, left[same] == right[same] { same &+= 1 }
        return same
    }

    /// The bytes of the whole lines among the first `count`.
    private static func wholeLines(_ lines: Span<UInt8>, upTo count: Int) -> Int {
        var whole = count
        while whole > 0, lines[whole - 1] != UInt8(ascii: "\n") { whole -= 1 }
        return whole
    }
}

extension OpenFile {
    /// Appends the bytes of `range`, or as many of them as the file has.
    func readAll(into buffer: inout ByteBuffer, _ range: Range<Int>) throws(SystemError) {
        var position = range.lowerBound
        while position < range.upperBound {
            let got = try read(into: &buffer, at: position, count: range.upperBound - position)
            if got == 0 { return }
            position += got
        }
    }
}
