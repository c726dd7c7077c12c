package import ConnlogCore
package import ConnlogSystem

/// Turns the bytes of one stream into events: what a source asks of the decoder, and the seam for tests of sources.
package protocol EntryDecoder: Sendable {
    /// Adds the events in `input`, a range of `batch.bytes`, to the batch.
    /// - Parameter isEnd: nothing more will come, so an unterminated last line is a whole one.
    /// - Returns: how many bytes of `input` are done with, whole entries only. The rest comes again with more after it.
    mutating func decode(_ input: Range<Int>, in batch: inout EventBatch, isEnd: Bool) -> Int

    /// Nothing more has come for a while, so an entry of several lines that might have gone on is complete.
    /// - Parameter input: what `decode` was not done with, perhaps with more after it.
    /// - Returns: how many bytes of `input` are done with.
    mutating func flushPending(_ input: Range<Int>, in batch: inout EventBatch) -> Int

    /// Lets the decoder of the file that follows this one go on with an open entry, or a line of which parts are missing.
    /// To be called when this stream has been decoded to its end with `isEnd: false`, and before `next` decodes anything.
    /// What was not done with here is `next`'s to report: as long as its `hasInherited` is true a restart has to begin
    /// here, where decoding ended.
    mutating func handOver(to next: inout any EntryDecoder)

    /// Something from the file before is not reported yet.
    var hasInherited: Bool { get }

    /// How many bytes before the end of what is done with a decoder made anew would have to begin; 0 as a rule.
    var restartDistance: Int { get }

    /// The stream is this file, whose name may say whose lines are in it. Comes first.
    mutating func isOfFile(_ path: String)

    /// Bytes that end where a resumed stream goes on, so that what they hold is known to have been seen.
    mutating func warm(_ seen: ByteBuffer)

    /// What was counted since the last call, all but bytes and files.
    /// - Parameters:
    ///   - place: the stream's name, for samples.
    ///   - start: where in the stream the decoder began.
    mutating func takeCounts(_ place: String, start: Int) -> SourceCounts
}

/// A decoder whose entries have one line each holds nothing back.
extension EntryDecoder {
    package mutating func flushPending(_ input: Range<Int>, in batch: inout EventBatch) -> Int {
        decode(input, in: &batch, isEnd: false)
    }
    package mutating func handOver(to next: inout any EntryDecoder) {}
    package mutating func isOfFile(_ path: String) {}
    package var hasInherited: Bool { false }
}
