/// A section whose every value has been read and checked against its schema, defaults filled in.
public struct Section: Sendable {
    /// Whether a source or a sink may be called so: a name becomes a directory and a label of a metric.
    package static func isName(_ name: String) -> Bool {
        (1...64).contains(name.count) && name != "." && name != ".."
            && name.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "." || $0 == "_" || $0 == "-") }
    }

    /// `source`, `sink`, ...: the first word of the heading.
    public let kind: String
    /// The word in quotes; `nil` for a section of which there is one.
    public let name: String?
    /// The value of `type`; `nil` where there is one kind.
    public let type: String?
    /// Where its heading stands.
    public let place: Place
    let values: [String: Value]
    let places: [String: Place]
    let secrets: [String: SecretReference]
    /// Keys whose value came out of a file or a credential, which `connlog check` does not show.
    let hiddenKeys: Set<String>
    /// Keys whose value stands in the file as it is, without quotes or references.
    let literalKeys: Set<String>
    /// Keys whose own value is wrong or was not asked for, and which have another one in its place.
    let standIns: Set<String>
    /// Keys that hold a file or a directory.
    package internal(set) var pathKeys: [String] = []
    /// What keys that are set would be without that: their default, or nothing.
    let fallbacks: [String: Value?]

    package init(
        kind: String, name: String?, type: String?, place: Place, values: [String: Value], places: [String: Place],
        secrets: [String: SecretReference] = [:], hiddenKeys: Set<String> = [],
        literalKeys: Set<String> = [], standIns: Set<String> = [], fallbacks: [String: Value?] = [:]
    ) {
        self.kind = kind
        self.name = name
        self.type = type
        self.place = place
        self.values = values
        self.places = places
        self.secrets = secrets
        self.hiddenKeys = hiddenKeys
        self.literalKeys = literalKeys
        self.standIns = standIns
        self.fallbacks = fallbacks
    }

    /// The section as if what stands at a place of it were not set; `nil` when it can do without nothing there.
    ///
    /// For whoever looks for all mistakes: the next one may hide behind the first.
    package func without(valueAt place: Place) -> Section? {
        let isThere = { (other: Place) in other.file == place.file && other.line == place.line }
        guard let key = places.first(where: { isThere($0.value) })?.key, let fallback = fallbacks[key] else {
            return nil
        }
        var (values, places, secrets) = (values, places, secrets)
        values[key] = fallback
        places[key] = nil
        secrets[key] = nil
        return Section(
            kind: kind, name: name, type: type, place: self.place, values: values, places: places, secrets: secrets,
            hiddenKeys: hiddenKeys, literalKeys: literalKeys, standIns: standIns, fallbacks: fallbacks)
    }

    /// As it stands in the file: `[sink "siem"]`.
    public var heading: String { name.map { "[\(kind) \"\($0)\"]" } ?? "[\(kind)]" }

    /// Whether the key is set or has a default.
    public func has(_ key: String) -> Bool { values[key] != nil }

    /// The text of a key; `nil` when it is not set and has no default.
    public func optionalString(_ key: String) -> String? {
        guard case .string(let value)? = values[key] else { return nil }
        return value
    }

    /// The text of a key that is required or has a default. Traps where the schema says otherwise.
    public func string(_ key: String) -> String {
        guard let value = optionalString(key) else { preconditionFailure("\(key) is not a string of \(heading)") }
        return value
    }

    /// The number of a key that is required or has a default. Traps where the schema says otherwise.
    public func integer(_ key: String) -> Int {
        guard case .integer(let value)? = values[key] else {
            preconditionFailure("\(key) is not a number of \(heading)")
        }
        return value
    }

    /// Bytes.
    public func size(_ key: String) -> Int { integer(key) }

    /// `nil` also for `auto`.
    public func optionalSize(_ key: String) -> Int? {
        values[key] == nil || values[key] == .string("auto") ? nil : integer(key)
    }

    /// The duration of a key that is required or has a default. Traps where the schema says otherwise.
    public func duration(_ key: String) -> Duration {
        guard case .duration(let value)? = values[key] else {
            preconditionFailure("\(key) is not a duration of \(heading)")
        }
        return value
    }

    /// Yes or no, of a key that has a default. Traps where the schema says otherwise.
    public func boolean(_ key: String) -> Bool {
        guard case .boolean(let value)? = values[key] else {
            preconditionFailure("\(key) is not a boolean of \(heading)")
        }
        return value
    }

    /// The list of a key that is required or has a default. Traps where the schema says otherwise.
    public func list(_ key: String) -> [String] {
        guard case .list(let value)? = values[key] else { preconditionFailure("\(key) is not a list of \(heading)") }
        return value
    }

    /// The address of a key that is required or has a default. Traps where the schema says otherwise.
    public func address(_ key: String) -> (host: String, port: Int) {
        guard case .address(let host, let port)? = values[key] else {
            preconditionFailure("\(key) is not an address of \(heading)")
        }
        return (host, port)
    }

    /// The duration of a key; `nil` when it is not set and has no default.
    public func optionalDuration(_ key: String) -> Duration? { values[key] == nil ? nil : duration(key) }

    /// Empty when the key is not set and has no default.
    public func optionalList(_ key: String) -> [String] { values[key] == nil ? [] : list(key) }

    /// How the secret of `key` was given, for whoever must read it again later; `nil` when it is not set.
    public func secretReference(_ key: String) -> SecretReference? {
        secrets[key] ?? optionalString(key).map(SecretReference.init(literal:))
    }

    /// Whether the file sets the key, rather than its default.
    public func isSet(_ key: String) -> Bool { places[key] != nil }

    /// The addresses of a list that the schema says to be one of addresses.
    public func addresses(_ key: String) -> [(host: String, port: Int)] {
        list(key).map { text in
            guard case .address(let host, let port)? = try? NetworkText.address(text) else {
                preconditionFailure("\(key) is not addresses of \(heading)")
            }
            return (host, port)
        }
    }

    /// Where the key's value stands, or the heading when only its default applies.
    public func place(of key: String) -> Place { places[key] ?? place }

    /// An error about one value, for checks that a schema cannot express.
    /// - Parameters:
    ///   - key: whose value it is.
    ///   - message: one sentence with the next step; never a secret.
    ///   - characters: how many characters of the value stand before what is wrong, where the place can show that.
    public func error(_ key: String, _ message: String, after characters: Int = 0) -> Diagnostic {
        var place = place(of: key)
        if literalKeys.contains(key) {
            place = Place(file: place.file, line: place.line, column: place.column + characters)
        }
        return Diagnostic(.error, place, "\(heading) \(key): \(message)")
    }
}

/// Printing a section shows its heading: its values may hold secrets.
extension Section: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// The heading alone: values may be secrets.
    public var description: String { heading }
    /// The heading alone: values may be secrets.
    public var debugDescription: String { heading }
    /// Nothing: values may be secrets.
    public var customMirror: Mirror { Mirror(self, children: []) }
}

/// A typed value. Sizes, integers and file modes are integers; choices, paths and secrets are strings.
package enum Value: Sendable, Equatable, Codable {
    case string(String)
    case integer(Int)
    case duration(Duration)
    case boolean(Bool)
    case list([String])
    case address(host: String, port: Int)
}
