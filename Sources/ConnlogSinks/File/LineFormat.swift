internal import ConnlogCore
internal import ConnlogSystem

/// How an event becomes a line of a file.
public enum LineFormat: Sendable {
    /// The record as it was received.
    case json

    /// Appends the line of the record at `index`, with its line feed.
    func append(_ batch: borrowing EventBatch, _ index: Int, to lines: inout ByteBuffer) {
        switch self {
        case .json:
            let record = batch.record(index)
            lines.withWriter(reserving: record.count + 1) {
                $0.append(record)
                $0.append(UInt8(ascii: "\n"))
            }
        }
    }
}
