/// Takes events that somebody hands in, and says what became of them.
package protocol EventIntake: Sendable {
    /// Begins to take one piece of input, such as the body of a request.
    /// - Throws: why nothing can be taken now.
    func begin() throws(IntakeError) -> any IntakeSession

    /// The same, for whoever may hand in events of some organizations only: others are refused.
    /// - Parameter organizations: their ids, in lower case.
    func begin(organizations: [String]) throws(IntakeError) -> any IntakeSession
}

extension EventIntake {
    /// An intake that cannot tell organizations apart takes nothing from whoever is limited to some.
    package func begin(organizations: [String]) throws(IntakeError) -> any IntakeSession {
        throw .failed("events cannot be told apart by organization here")
    }
}

/// One piece of input, taken in as it comes. Used by one task at a time.
package protocol IntakeSession: AnyObject, Sendable {
    /// Takes the next bytes; what they hold of a line waits for its end.
    func take(_ bytes: Span<UInt8>) async throws(IntakeError)

    /// No more will come. Returns when all events that were taken are on the disk.
    func finish() async throws(IntakeError) -> IntakeReport
}

/// What became of a piece of input.
package struct IntakeReport: Sendable, Equatable, Codable {
    /// Events that are on the disk now.
    package var accepted = 0
    /// Events that had been handed in before, by their ids.
    package var duplicates = 0
    /// Lines that are no connection events, such as the rest of coderd's log.
    package var skipped = 0
    /// Lines that cannot be read.
    package var refused = 0
    /// Events of origins that the source does not believe; passed over.
    package var foreign = 0
    /// Of the accepted those of which a wrapper had lost fields; their field `lost` names them.
    package var incomplete = 0
    /// The first hundred of those.
    package var refusals: [Refusal] = []

    package struct Refusal: Sendable, Equatable, Codable {
        /// From 1, or the number of an element of a list; 0 where it is not known.
        package var line: Int
        package var reason: String

        package init(line: Int, reason: String) {
            self.line = line
            self.reason = reason
        }
    }

    package init() {}
}

/// Why input is not taken, or not all of it. What was taken before may be kept: handing it in again is safe.
package enum IntakeError: Error, Sendable, Equatable, Codable {
    /// The queue takes nothing for now.
    case full(String)
    case stopping
    case failed(String)
}
