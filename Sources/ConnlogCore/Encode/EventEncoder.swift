public import ConnlogSystem

/// Turns records into what a receiver or a file wants, one message or line each.
///
/// An encoder keeps its scratch memory from record to record and allocates nothing for an ordinary one. Take it as a
/// generic parameter of a function that handles a whole batch.
public protocol EventEncoder {
    /// Appends one record in this format, without a line end.
    /// - Parameters:
    ///   - record: one slog JSON line of a connection event.
    ///   - output: grows by the event; what stands in it stays.
    /// - Returns: `false`, and nothing appended, if it is not that.
    mutating func append(_ record: Span<UInt8>, to output: inout ByteBuffer) -> Bool

    /// The same for a record whose fields are known.
    mutating func append(_ record: Span<UInt8>, _ index: EventIndex, to output: inout ByteBuffer) -> Bool

    /// What stands before the first line of a file, with its line end; for most formats nothing.
    static var fileHeader: [UInt8] { get }

    /// What ends a line in a file.
    static var lineEnd: [UInt8] { get }
}

extension EventEncoder {
    /// Reads the record itself.
    public mutating func append(_ record: Span<UInt8>, _ index: EventIndex, to output: inout ByteBuffer) -> Bool {
        append(record, to: &output)
    }

    /// Appends one record of a batch, which often knows where its fields lie.
    @inlinable @inline(__always)
    public mutating func append(_ batch: borrowing EventBatch, _ index: Int, to output: inout ByteBuffer) -> Bool {
        guard batch.hasNote(index) else { return append(batch.record(index), to: &output) }
        return append(batch.record(index), EventIndex(batch.note(index)), to: &output)
    }

    /// None.
    public static var fileHeader: [UInt8] { [] }
    /// A line feed.
    public static var lineEnd: [UInt8] { [UInt8(ascii: "\n")] }
}
