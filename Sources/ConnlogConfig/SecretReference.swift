/// How a secret was given, and the way to read it again.
///
/// A `${file:...}` or `${credential:...}` may change while connlog runs, so a sink keeps this rather than the value.
/// Printing one shows `********`.
public struct SecretReference: Sendable {
    /// How the value stands in the configuration.
    public enum Origin: Sendable, Equatable {
        /// As text in the configuration file.
        case literal
        /// `${file:PATH}`
        case file(path: String)
        /// `${credential:NAME}`, with the file that it stands for.
        case credential(name: String, path: String)
        /// `${env:NAME}`
        case environment(name: String)
        /// Several of these, or text around one.
        case composed
    }

    /// How it was given.
    public let origin: Origin
    private let parts: [SecretPart]

    /// A secret that is text and stays the same.
    public init(literal: String) {
        origin = .literal
        parts = [.text(literal)]
    }

    /// The one line of a file, without blanks and empty lines around it.
    public init(file path: String) {
        origin = .file(path: path)
        parts = [.file(path: path)]
    }

    init(origin: Origin, parts: [SecretPart]) {
        self.origin = origin
        self.parts = parts
    }

    /// The secret as it is now; files are read again, the rest is as it was when the configuration was loaded.
    /// - Throws: `SecretError`, which names the file and never the content.
    public func read() throws(SecretError) -> String {
        var value = ""
        for part in parts {
            switch part {
            case .text(let text): value += text
            case .file(let path): value += try SmallFile.value(path)
            }
        }
        return value
    }

    /// Whether both are found in the same place.
    func isSame(as other: SecretReference) -> Bool { origin == other.origin && parts == other.parts }

    /// Whether `read` may give something new later.
    public var canChange: Bool { parts.contains { $0.isFile } }
}

/// A piece of a secret.
enum SecretPart: Sendable, Equatable {
    case text(String)
    case file(path: String)

    var isFile: Bool { if case .file = self { true } else { false } }
}

/// Why a value could not be read from its file.
public enum SecretError: Error, Sendable, Equatable, CustomStringConvertible {
    case unreadable(path: String, reason: String)
    case empty(path: String)
    case severalLines(path: String)
    case notText(path: String)
    case tooLarge(path: String)

    /// One sentence with the file's name; what the file holds is never in it.
    public var description: String {
        switch self {
        case .unreadable(let path, let reason): "\(shown(path, charactersMax: 300)) cannot be read: \(reason)"
        case .empty(let path): "\(shown(path, charactersMax: 300)) is empty; write the value into it"
        case .severalLines(let path): "\(shown(path, charactersMax: 300)) holds more than one line; a value is one line"
        case .notText(let path): "\(shown(path, charactersMax: 300)) is not UTF-8 text; a value is one line of text"
        case .tooLarge(let path):
            "\(shown(path, charactersMax: 300)) is larger than 64 KiB; a value is one line of text"
        }
    }
}

extension SecretReference: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// A mask: the secret never gets into a log by accident.
    public var description: String { secretMask }
    /// The same mask.
    public var debugDescription: String { secretMask }
    /// Nothing: the secret is not shown to a debugger's printing either.
    public var customMirror: Mirror { Mirror(self, children: []) }
}

/// What stands for a secret wherever something is printed.
let secretMask = "********"
