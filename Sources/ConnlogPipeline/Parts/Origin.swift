import ConnlogConfig
import Synchronization

/// What a part was made from: whether one that is wanted is the one that is at work.
enum Origin: Sendable {
    /// A section of a configuration, and the host name that stands in what a sink sends.
    case section(Section, hostname: String)
    /// A value that a program has made; a number of its own, so that copies are the same and another one is not.
    case value(UInt64)

    private static let made = Atomic<UInt64>(0)

    static func newValue() -> Origin { .value(made.add(1, ordering: .relaxed).newValue) }

    /// - Parameter ignored: keys that may differ.
    func isSame(as other: Origin, but ignored: Set<String> = []) -> Bool {
        switch (self, other) {
        case (.section(let one, let name), .section(let two, let otherName)):
            one.changes(from: two).isSubset(of: ignored) && name == otherName
        case (.value(let one), .value(let two)): one == two
        case (.section, .value), (.value, .section): false
        }
    }
}
