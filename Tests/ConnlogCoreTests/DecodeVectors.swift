import ConnlogSystem
import Foundation
import Testing

@testable import ConnlogCore

/// The golden vectors of Coder's formats, as the files beside the tests hold them.
enum Vectors {
    /// J1 to J24, one line each.
    static let json = text("json-lines.txt").split(separator: "\n").map(String.init)

    /// H1 to H8, whose sixth has three lines.
    static let human = text("human-entries.txt").components(separatedBy: "\n\n").map { entry in
        entry.hasSuffix("\n") ? String(entry.dropLast()) : entry
    }

    static func text(_ name: String) -> String {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Golden/Decode")
        return (try? String(contentsOf: folder.appending(path: name), encoding: .utf8)) ?? ""
    }
}

/// A line with its fields found in the way that takes any line.
struct Scanned {
    var kind: LineKind
    var fields = EventFields()
    var bytes: [UInt8]

    init(_ text: String) { self.init(Array(text.utf8)) }

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
        var scanner = EventScanner()
        kind = scanner.scanAny(bytes.span, &fields)
    }

    var index: EventIndex {
        @_lifetime(borrow self)
        get { fields.index }
    }

    func text(_ field: Field) -> String? {
        index.value(field, in: bytes.span).map { JSONText.string(bytes.span, $0.range) }
    }
}
