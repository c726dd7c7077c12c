#if Server
import ConnlogCore
import ConnlogSystem
import Crypto
import Hummingbird
import NIOCore

/// The files of a package on their way into a zip, with a checksum of each. Used by one task.
final class PackageWriter {
    struct File: Sendable {
        let name: String
        var bytes = 0
        var sha256 = ""
    }

    private let zip = ZipWriter()
    private var output = ConnlogSystem.ByteBuffer()
    private var hash = SHA256()
    /// Those that have ended, and the one that is being written.
    private(set) var files: [File] = []

    func begin(_ name: String) {
        files.append(File(name: name))
        hash = SHA256()
        zip.begin(name, into: &output)
    }

    func write(_ text: String) { write(Array(text.utf8), newLine: false) }

    func write(_ bytes: [UInt8], newLine: Bool) {
        add(bytes)
        if newLine { add([UInt8(ascii: "\n")]) }
    }

    private func add(_ bytes: [UInt8]) {
        hash.update(data: bytes)
        files[files.count - 1].bytes += bytes.count
        zip.write(bytes.span, into: &output)
    }

    func end() {
        files[files.count - 1].sha256 = Hex.text(hash.finalize())
        zip.end(into: &output)
    }

    /// A whole file.
    func add(_ name: String, _ text: String) {
        begin(name)
        write(text)
        end()
    }

    /// As sha256sum writes and reads it.
    var sums: String { files.map { "\($0.sha256)  \($0.name)\n" }.joined() }

    func finish() { zip.finish(into: &output) }

    /// Gives away what there is, so that nothing piles up here.
    @concurrent func hand(over writer: inout any ResponseBodyWriter) async throws {
        if output.isEmpty { return }
        var rest = NIOCore.ByteBuffer(bytes: output.array)
        output.removeAll()
        while let piece = rest.readSlice(length: min(rest.readableBytes, 64 << 10)), piece.readableBytes > 0 {
            try await writer.write(piece)
        }
    }
}
#endif
