/// A section whose every value has been read and checked against its schema, defaults filled in.
public struct Section: Sendable {
    public let kind: String
    public let name: String?
    public let type: String?
    /// Where its heading stands.
    public let place: Place
    private let values: [String: Value]
    private let places: [String: Place]

    public init(
        kind: String, name: String?, type: String?, place: Place, values: [String: Value], places: [String: Place]
    ) {
        self.kind = kind
        self.name = name
        self.type = type
        self.place = place
        self.values = values
        self.places = places
    }

    /// As it stands in the file: `[sink "siem"]`.
    public var heading: String { name.map { "[\(kind) \"\($0)\"]" } ?? "[\(kind)]" }

    /// Whether the key is set or has a default.
    public func has(_ key: String) -> Bool { values[key] != nil }

    public func optionalString(_ key: String) -> String? {
        guard case .string(let value)? = values[key] else { return nil }
        return value
    }

    public func string(_ key: String) -> String {
        guard let value = optionalString(key) else { preconditionFailure("\(key) is not a string of \(heading)") }
        return value
    }

    public func integer(_ key: String) -> Int {
        guard case .integer(let value)? = values[key] else {
            preconditionFailure("\(key) is not a number of \(heading)")
        }
        return value
    }

    /// Bytes.
    public func size(_ key: String) -> Int { integer(key) }

    public func optionalSize(_ key: String) -> Int? { values[key] == nil ? nil : integer(key) }

    public func duration(_ key: String) -> Duration {
        guard case .duration(let value)? = values[key] else {
            preconditionFailure("\(key) is not a duration of \(heading)")
        }
        return value
    }

    public func boolean(_ key: String) -> Bool {
        guard case .boolean(let value)? = values[key] else {
            preconditionFailure("\(key) is not a boolean of \(heading)")
        }
        return value
    }

    public func list(_ key: String) -> [String] {
        guard case .list(let value)? = values[key] else { preconditionFailure("\(key) is not a list of \(heading)") }
        return value
    }

    public func address(_ key: String) -> (host: String, port: Int) {
        guard case .address(let host, let port)? = values[key] else {
            preconditionFailure("\(key) is not an address of \(heading)")
        }
        return (host, port)
    }

    /// Where the key's value stands, or the heading when only its default applies.
    public func place(of key: String) -> Place { places[key] ?? place }

    /// An error about one value, for checks that a schema cannot express.
    public func error(_ key: String, _ message: String) -> Diagnostic {
        Diagnostic(.error, place(of: key), "\(heading) \(key): \(message)")
    }
}

/// A typed value. Sizes, integers and file modes are integers; choices, paths and secrets are strings.
public enum Value: Sendable, Equatable {
    case string(String)
    case integer(Int)
    case duration(Duration)
    case boolean(Bool)
    case list([String])
    case address(host: String, port: Int)
}
