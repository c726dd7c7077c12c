/// Makes a zip archive (PKWARE's APPNOTE 6.3) as a stream: nothing is known of a file before it has been written, and nothing
/// of it is kept.
///
///     zip.begin("events.jsonl", into: &out)
///     zip.write(bytes, into: &out) ...
///     zip.end(into: &out)
///     zip.finish(into: &out)
///
/// Files are deflated, with their sizes after them (a data descriptor), in the wide form of zip64 from the start, since any
/// may grow beyond 4 GiB. The directory at the end uses the wide form only where a number needs it. The same files give the
/// same bytes: they have no time but the first that zip knows, 1980-01-01, and are packed in blocks of one size, however
/// they come. One object is one archive, used by one task at a time.
package final class ZipWriter {
    /// What the narrow form can say.
    package struct Limits: Sendable {
        /// From here on a size or a place is written wide.
        package var size: UInt64 = 0xffff_ffff
        /// From here on the number of files is.
        package var files = 0xffff

        package init() {}
    }

    private struct File {
        let name: [UInt8]
        let start: UInt64
        var crc = CRC32()
        var size: UInt64 = 0
        var packedSize: UInt64 = 0
    }

    /// What is packed at once.
    private static let block = 256 << 10
    private static let neededVersion: UInt64 = 45
    /// Made on Unix, so that the mode is one.
    private static let madeBy: UInt64 = 3 << 8 | 45
    /// A data descriptor follows; the name is UTF-8.
    private static let flags: UInt64 = 1 << 3 | 1 << 11
    private static let deflated: UInt64 = 8
    private static let firstDay: UInt64 = 1 << 5 | 1
    private static let mode: UInt64 = 0o100644 << 16

    private let limits: Limits
    private let deflate = Gzip(isRaw: true)
    private var files: [File] = []
    private var current: File?
    private var waiting = ByteBuffer()
    /// Bytes that have been given out.
    private var place: UInt64 = 0

    package init(limits: Limits = Limits()) { self.limits = limits }

    /// Begins a file; the one before must have ended.
    /// - Parameter name: without folders that lead out; at most 65,535 bytes.
    package func begin(_ name: String, into output: inout ByteBuffer) {
        precondition(current == nil)
        let bytes = Array(name.utf8.prefix(0xffff))
        current = File(name: bytes, start: place)
        var head = Fields()
        head.add(0x0403_4b50, 4)
        head.add(ZipWriter.neededVersion, 2)
        head.add(ZipWriter.flags, 2)
        head.add(ZipWriter.deflated, 2)
        head.add(0, 2)
        head.add(ZipWriter.firstDay, 2)
        // The CRC stands after; so do the sizes, and in the wide form, as the part for zip64 says.
        head.add(0, 4)
        head.add(0xffff_ffff, 4)
        head.add(0xffff_ffff, 4)
        head.add(UInt64(bytes.count), 2)
        head.add(20, 2)
        head.bytes += bytes
        head.add(1, 2)
        head.add(16, 2)
        head.add(0, 8)
        head.add(0, 8)
        give(head.bytes, &output)
    }

    package func write(_ bytes: Span<UInt8>, into output: inout ByteBuffer) {
        current?.crc.update(bytes)
        current?.size += UInt64(bytes.count)
        var start = 0
        while start < bytes.count {
            let end = min(bytes.count, start + ZipWriter.block - waiting.count)
            waiting.append(bytes.extracting(start..<end))
            start = end
            if waiting.count == ZipWriter.block { pack(isLast: false, &output) }
        }
    }

    package func end(into output: inout ByteBuffer) {
        pack(isLast: true, &output)
        guard let file = current else { return }
        var tail = Fields()
        tail.add(0x0807_4b50, 4)
        tail.add(UInt64(file.crc.value), 4)
        tail.add(file.packedSize, 8)
        tail.add(file.size, 8)
        give(tail.bytes, &output)
        files.append(file)
        current = nil
    }

    /// Ends the archive; nothing comes after.
    package func finish(into output: inout ByteBuffer) {
        precondition(current == nil)
        let start = place
        for file in files { give(entry(file), &output) }
        give(end(of: start..<place), &output)
    }

    private func pack(isLast: Bool, _ output: inout ByteBuffer) {
        let before = output.count
        deflate.update(waiting.span, into: &output)
        if isLast { deflate.finish(into: &output) }
        waiting.removeAll()
        current?.packedSize += UInt64(output.count - before)
        place += UInt64(output.count - before)
    }

    private func give(_ bytes: [UInt8], _ output: inout ByteBuffer) {
        place += UInt64(bytes.count)
        output.append(bytes.span)
    }

    // MARK: - The directory

    /// Where a number stands in the narrow form; in the wide one its bytes are all set, and it stands in the part for zip64.
    private func narrow(_ number: UInt64, _ wide: inout Fields) -> UInt64 {
        if number < limits.size { return number }
        wide.add(number, 8)
        return 0xffff_ffff
    }

    private func entry(_ file: File) -> [UInt8] {
        var wide = Fields()
        let size = narrow(file.size, &wide)
        let packedSize = narrow(file.packedSize, &wide)
        let start = narrow(file.start, &wide)
        var entry = Fields()
        entry.add(0x0201_4b50, 4)
        entry.add(ZipWriter.madeBy, 2)
        entry.add(ZipWriter.neededVersion, 2)
        entry.add(ZipWriter.flags, 2)
        entry.add(ZipWriter.deflated, 2)
        entry.add(0, 2)
        entry.add(ZipWriter.firstDay, 2)
        entry.add(UInt64(file.crc.value), 4)
        entry.add(packedSize, 4)
        entry.add(size, 4)
        entry.add(UInt64(file.name.count), 2)
        entry.add(wide.bytes.isEmpty ? 0 : UInt64(wide.bytes.count + 4), 2)
        // No comment, the first disk, no kind of text, the mode, the place.
        entry.add(0, 2)
        entry.add(0, 2)
        entry.add(0, 2)
        entry.add(ZipWriter.mode, 4)
        entry.add(start, 4)
        entry.bytes += file.name
        if !wide.bytes.isEmpty {
            entry.add(1, 2)
            entry.add(UInt64(wide.bytes.count), 2)
            entry.bytes += wide.bytes
        }
        return entry.bytes
    }

    private func end(of directory: Range<UInt64>) -> [UInt8] {
        let size = directory.upperBound - directory.lowerBound
        var end = Fields()
        let isWide = files.count >= limits.files || size >= limits.size || directory.lowerBound >= limits.size
        if isWide {
            end.add(0x0606_4b50, 4)
            end.add(44, 8)
            end.add(ZipWriter.madeBy, 2)
            end.add(ZipWriter.neededVersion, 2)
            end.add(0, 4)
            end.add(0, 4)
            end.add(UInt64(files.count), 8)
            end.add(UInt64(files.count), 8)
            end.add(size, 8)
            end.add(directory.lowerBound, 8)
            end.add(0x0706_4b50, 4)
            end.add(0, 4)
            end.add(directory.upperBound, 8)
            end.add(1, 4)
        }
        let count = isWide ? 0xffff : UInt64(files.count)
        end.add(0x0605_4b50, 4)
        end.add(0, 2)
        end.add(0, 2)
        end.add(count, 2)
        end.add(count, 2)
        end.add(isWide ? 0xffff_ffff : size, 4)
        end.add(isWide ? 0xffff_ffff : directory.lowerBound, 4)
        end.add(0, 2)
        return end.bytes
    }

    /// Numbers of some bytes each, the lowest byte first.
    private struct Fields {
        var bytes: [UInt8] = []

        mutating func add(_ number: UInt64, _ count: Int) {
            for index in 0..<count { bytes.append(UInt8(truncatingIfNeeded: number >> (index * 8))) }
        }
    }
}
