private import ConnlogSystem

/// Where `${env:NAME}` and `$CREDENTIALS_DIRECTORY` come from.
public struct Environment: Sendable {
    private let lookUp: @Sendable (String) -> String?

    /// What the process was started with.
    public static let process = Environment { ProcessEnvironment.value($0) }

    public init(_ lookUp: @escaping @Sendable (String) -> String?) { self.lookUp = lookUp }

    /// These variables and no others.
    public init(_ variables: [String: String]) { lookUp = { variables[$0] } }

    func value(_ name: String) -> String? { lookUp(name) }
}
