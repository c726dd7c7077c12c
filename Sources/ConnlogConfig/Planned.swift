/// What connlog will do and this version does not: such sections get an error that says so, not "unknown".
public struct Planned: Sendable {
    /// Kinds of sections, such as `store`.
    public let kinds: [String]
    /// Kinds of sections that a build without the trait `Server` lacks.
    public let notBuiltIn: [String]
    /// Values of `type` by kind of section, such as `journald` of `source`.
    public let types: [String: [String]]

    public init(kinds: [String] = [], notBuiltIn: [String] = [], types: [String: [String]] = [:]) {
        self.kinds = kinds
        self.notBuiltIn = notBuiltIn
        self.types = types
    }

    /// What the architecture names and is yet to come.
    public static let connlog = Planned(
        types: ["source": ["journald", "coder_api"], "directory": ["coder_api"]])

    /// The same, for a build that only forwards.
    public var withoutServer: Planned {
        Planned(kinds: kinds, notBuiltIn: ["store", "server", "access"], types: types)
    }
}
