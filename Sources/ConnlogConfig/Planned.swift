/// What connlog will do and this build cannot: such sections get an error that says so, not "unknown".
package struct Planned: Sendable {
    /// Values of `type` by kind of section, such as `ingest` of `source`, that are yet to come.
    package let types: [String: [String]]
    /// Kinds of sections that a build without the trait `Server` lacks, such as `store`.
    package let notBuiltIn: [String]

    package init(types: [String: [String]] = [:], notBuiltIn: [String] = []) {
        self.types = types
        self.notBuiltIn = notBuiltIn
    }

    /// What the architecture names and is yet to come.
    package static let connlog = Planned()

    /// The same, for a build that only forwards.
    package static let forwarder = Planned(
        types: connlog.types.merging(["source": ["ingest"]]) { $1 },
        notBuiltIn: ["store", "server", "access"])
}
