package import ConnlogCore
package import ConnlogSystem

/// Turns the bytes of one stream into events: what a source asks of the decoder, and the seam for tests of sources.
package protocol EntryDecoder: Sendable {
    /// Adds the events in `input`, a range of `batch.bytes`, to the batch.
    /// - Parameter isEnd: nothing more will come, so an unterminated last line is a whole one.
    /// - Returns: how many bytes of `input` are done with, whole entries only. The rest comes again with more behind it.
    mutating func decode(_ input: Range<Int>, in batch: inout EventBatch, isEnd: Bool) -> Int

    /// How many bytes before the end of what is done with a decoder made anew would have to begin; 0 as a rule.
    var restartDistance: Int { get }

    /// Bytes that end where a resumed stream goes on, so that what they hold is known to have been seen.
    mutating func warm(_ seen: ByteBuffer)

    /// What was counted since the last call, all but bytes and files.
    /// - Parameters:
    ///   - place: the stream's name, for samples.
    ///   - start: where in the stream the decoder began.
    mutating func takeCounts(_ place: String, start: Int) -> SourceCounts
}
