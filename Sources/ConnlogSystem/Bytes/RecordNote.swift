/// What whoever made a record knows about it, so that whoever gets it need not look again: 32 numbers whose meaning is
/// theirs. In the core they say where the fields of an event lie (`EventIndex`).
public struct RecordNote: Sendable {
    public var words: InlineArray<32, UInt64>
    /// Nothing is known.
    public var isBlank: Bool

    @inlinable public init(words: InlineArray<32, UInt64>) {
        self.words = words
        isBlank = false
    }

    init() {
        words = InlineArray(repeating: 0)
        isBlank = true
    }
}
