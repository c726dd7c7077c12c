/// Why the store cannot do something. One sentence, with the place and the next step.
package struct StoreProblem: Error, Sendable, Equatable, CustomStringConvertible {
    /// For connlog's own log: it may name the file.
    package let description: String
    package let kind: Kind

    /// What to do about it.
    package enum Kind: Sendable, Equatable {
        /// The same may succeed later.
        case other
        /// The file itself is not as it should be, so trying again does not help.
        case damage
        case diskFull
        /// The disk has hardly more left than is to stay free.
        case diskLow
        /// There is no file yet that can be read: whoever writes it has not made it, or is bringing it up to date.
        case absent
        /// The file was removed, moved, replaced or cut while it was open; it is opened anew.
        case replaced
        /// The question took longer than it may.
        case tooLong
        /// Nobody waits for the answer any more.
        case cancelled
        /// It is the question that cannot be answered.
        case question
    }

    package init(_ description: String, _ kind: Kind = .other) {
        self.description = description
        self.kind = kind
    }

    /// The file itself is not as it should be, so trying again does not help.
    package var isDamage: Bool { kind == .damage }

    /// For whoever asks: without the names of files.
    package var publicText: String {
        switch kind {
        case .question: description
        case .absent: "The store is not there yet."
        case .replaced: "The store's file was changed by somebody else; it is opened anew."
        case .tooLong: "The question took too long; ask for a shorter time or for fewer connections."
        case .cancelled: "The question was withdrawn."
        case .other, .damage, .diskFull, .diskLow: "The store cannot answer now; connlog's own log says why."
        }
    }
}
