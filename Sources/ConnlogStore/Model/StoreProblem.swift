/// Why the store cannot do something. One sentence, with the place and the next step.
public struct StoreProblem: Error, Sendable, Equatable, CustomStringConvertible {
    public let description: String
    /// The file itself is not as it should be, so trying again does not help.
    public let isDamage: Bool

    public init(_ description: String, isDamage: Bool = false) {
        self.description = description
        self.isDamage = isDamage
    }
}
