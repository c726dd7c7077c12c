/// Why lines could not be read on.
package enum LineReaderError: Error, Equatable, Sendable, CustomStringConvertible {
    case system(SystemError)
    case gunzip(file: String, GunzipError)

    package var description: String {
        switch self {
        case .system(let error): "\(error)"
        case .gunzip(let file, .cut): "\(file): the end of the compressed data is missing"
        case .gunzip(let file, _): "\(file): damaged, or not gzip"
        }
    }
}

/// Reads the lines of a file, plain or gzip, one after another, with memory for the longest of them.
///
/// For one thread: not `Sendable`.
package struct LineReader {
    private static let pieceBytes = 256 << 10

    package let path: String
    private let file: any OpenFile
    private let gunzip: GunzipStream?
    private var input = ByteBuffer()
    private var text = ByteBuffer()
    /// The beginning of the next line in `text`.
    private var at = 0
    /// Where in the plain text `text` begins.
    private var textStart = 0
    private var isAtEnd = false
    /// Bytes of the file that were read.
    package private(set) var bytesRead = 0
    /// The line that `next` has found, without its line feed.
    package private(set) var line = ByteBuffer()

    package init(_ file: any OpenFile, path: String, isCompressed: Bool) {
        self.file = file
        self.path = path
        gunzip = isCompressed ? GunzipStream() : nil
    }

    /// Finds the next line.
    /// - Returns: where it begins in the plain text; `nil` at the end. What has no line feed yet is no line.
    package mutating func next() throws(LineReaderError) -> Int? {
        var searched = at
        while true {
            if let end = lineFeed(from: searched) {
                let start = at
                LineReader.copy(text, start..<end, to: &line)
                at = end + 1
                return textStart + start
            }
            searched = text.count - at
            guard try readMore() else { return nil }
        }
    }

    /// What stands after the last line feed, once `next` has come to the end.
    package var unfinished: ByteBuffer {
        var rest = ByteBuffer()
        rest.append(text.span(at..<text.count))
        return rest
    }

    private func lineFeed(from start: Int) -> Int? {
        let bytes = text.span
        var place = start
        while place < bytes.count {
            if bytes[place] == UInt8(ascii: "\n") { return place }
            place += 1
        }
        return nil
    }

    /// Moves the beginning of the next line to the front and reads another piece after it.
    private mutating func readMore() throws(LineReaderError) -> Bool {
        guard !isAtEnd else { return false }
        textStart += at
        text.removeFirst(at)
        at = 0
        do throws(SystemError) {
            input.removeAll()
            let got = try file.read(into: &input, at: bytesRead, count: LineReader.pieceBytes)
            bytesRead += got
            isAtEnd = got == 0
        } catch {
            throw .system(error)
        }
        guard let gunzip else {
            LineReader.append(input, to: &text)
            return !isAtEnd
        }
        do throws(GunzipError) {
            if isAtEnd { try gunzip.finish() } else { try LineReader.append(input, by: gunzip, to: &text) }
        } catch {
            throw .gunzip(file: path, error)
        }
        return !isAtEnd
    }

    // Apart from `self`, so that one buffer can be read while another is changed.

    private static func copy(_ bytes: ByteBuffer, _ range: Range<Int>, to line: inout ByteBuffer) {
        line.removeAll()
        line.append(bytes.span(range))
    }

    private static func append(_ bytes: ByteBuffer, to text: inout ByteBuffer) { text.append(bytes.span) }

    private static func append(
        _ bytes: ByteBuffer, by gunzip: GunzipStream, to text: inout ByteBuffer
    ) throws(GunzipError) {
        try gunzip.update(bytes.span, into: &text)
    }
}
