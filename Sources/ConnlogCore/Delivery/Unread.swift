/// Input that is there and that a source has not read, as somebody else than the source finds it.
package struct Unread: Sendable, Equatable {
    /// A file, or `standard input`.
    package let subject: String
    /// How many bytes; `nil` where the kernel does not say.
    package let bytes: Int?
    /// Another number whenever the source has got on with it.
    package let place: UInt64

    package init(subject: String, bytes: Int?, place: UInt64) {
        self.subject = subject
        self.bytes = bytes
        self.place = place
    }
}
