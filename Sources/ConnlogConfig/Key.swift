/// One key of a section: the single place from which parsing, `connlog check`, `config/connlog.ini` and the
/// documentation are made.
public struct Key: Sendable {
    /// As it stands in the file.
    public let name: String
    /// What its value may be.
    public let kind: ValueKind
    /// As it would be written in the file; `nil` when the key has no value unless it is set.
    public let defaultText: String?
    /// Whether a section without it is an error.
    public let isRequired: Bool
    /// One line for `config/connlog.ini` and the documentation.
    public let help: String
    /// A value for `config/connlog.ini` where there is no default.
    public let example: String?

    /// A key of a section. `defaultText` is read as if it stood in the file.
    public init(
        _ name: String, _ kind: ValueKind, default defaultText: String? = nil, required: Bool = false,
        example: String? = nil, help: String
    ) {
        self.name = name
        self.kind = kind
        self.defaultText = defaultText
        self.isRequired = required
        self.example = example
        self.help = help
    }
}

/// What a value must look like.
public enum ValueKind: Sendable, Equatable {
    case string
    /// Never shown, whatever is printed.
    case secret
    /// A file or directory; relative ones are relative to the file that holds the key.
    case path
    case integer(ClosedRange<Int>)
    /// Bytes with a unit: `64KiB 16MiB 4GiB 1MB`.
    case size(ClosedRange<Int>)
    /// The same, or `auto`.
    case sizeOrAuto(ClosedRange<Int>)
    /// With a unit: `500ms 10s 5m 2h 7d`.
    case duration(ClosedRange<Duration>)
    case boolean
    case choice([String])
    /// As `choice`, with values that connlog knows but this version cannot do yet: they get an error that says so.
    case choiceWithPlanned([String], planned: [String])
    /// Comma-separated.
    case list
    /// An octal file mode such as `0640`.
    case fileMode
    /// `host:port`, `[v6]:port`.
    case address
    /// Such addresses, comma-separated.
    case addresses
    /// Such addresses, or one absolute path of a local socket.
    case addressesOrPath
    /// `http://` or `https://` URLs, comma-separated.
    case urls
}

/// The keys of one kind of section.
public struct SectionSchema: Sendable {
    /// As in `[sink "name"]`.
    public let kind: String
    /// The value of `type` that this schema is for; `nil` for sections without `type`.
    public let type: String?
    /// One line about it.
    public let summary: String
    /// In the order in which they are documented.
    public let keys: [Key]
    /// `[kind "name"]` rather than `[kind]`.
    public let isNamed: Bool
    /// The name that such a section has in `config/connlog.ini`; `nil` for sections without a name.
    public let exampleName: String?
    /// Whether its required keys stand there as active lines; otherwise the whole section is commented out.
    public let isActiveExample: Bool
    /// A section that has no `type` is of this one.
    public let isUsualType: Bool

    /// A section. `type` is `nil` where there is one kind of it.
    public init(
        kind: String, type: String? = nil, isNamed: Bool, example: String? = nil, isActiveExample: Bool = false,
        isUsualType: Bool = false, summary: String, keys: [Key]
    ) {
        exampleName = example
        self.isUsualType = isUsualType
        self.isActiveExample = isActiveExample
        self.kind = kind
        self.type = type
        self.isNamed = isNamed
        self.summary = summary
        self.keys = keys
    }

    /// The same with further keys at the end.
    package func appending(_ more: [Key]) -> SectionSchema {
        SectionSchema(
            kind: kind, type: type, isNamed: isNamed, example: exampleName, isActiveExample: isActiveExample,
            isUsualType: isUsualType, summary: summary, keys: keys + more)
    }
}
