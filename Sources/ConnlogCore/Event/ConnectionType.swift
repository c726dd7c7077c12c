/// What an event says has happened.
public enum ConnectionStatus: String, Sendable, CaseIterable {
    case connected, disconnected

    /// The raw value, without a String.
    @inlinable package var word: StaticString { self == .connected ? "connected" : "disconnected" }
}

/// What a connection is, in the seven words that the filter `type:` knows.
///
/// Where an event names an IDE (`cursor`) or, as newest builds do, a method and an app, this is the family's word.
public enum ConnectionType: String, Sendable, CaseIterable {
    case ssh, vscode, jetbrains
    case reconnectingPTY = "reconnecting_pty"
    case workspaceApp = "workspace_app"
    case portForwarding = "port_forwarding"
    case tunnel
    /// None of these, or nothing: the event is kept all the same.
    case other

    /// Recorded by coderd, so it names a user, and never has an end.
    public var isWeb: Bool {
        switch self {
        case .workspaceApp, .portForwarding, .tunnel: true
        default: false
        }
    }

    /// The raw value, without a String.
    @inlinable package var word: StaticString {
        switch self {
        case .ssh: "ssh"
        case .vscode: "vscode"
        case .jetbrains: "jetbrains"
        case .reconnectingPTY: "reconnecting_pty"
        case .workspaceApp: "workspace_app"
        case .portForwarding: "port_forwarding"
        case .tunnel: "tunnel"
        case .other: "other"
        }
    }

    /// As Coder's page writes it.
    public var displayName: String {
        switch self {
        case .ssh: "SSH"
        case .vscode: "VS Code"
        case .jetbrains: "JetBrains"
        case .reconnectingPTY: "Web Terminal"
        case .workspaceApp: "Workspace App"
        case .portForwarding: "Port Forwarding"
        case .tunnel: "Tunnel"
        case .other: "Other"
        }
    }

    /// What the word of an event's `Type` means.
    init(_ bytes: Span<UInt8>, _ range: Range<Int>) {
        self = ConnectionType.known(bytes, range) ?? ConnectionType(family: AppFamily(bytes, range))
    }

    /// What an event's method and app mean: the app counts with SSH only.
    init(method: Range<Int>, app: Range<Int>?, in bytes: Span<UInt8>) {
        self = ConnectionType.known(bytes, method) ?? .other
        guard self == .ssh, let app else { return }
        switch AppFamily(bytes, app) {
        case .vscode: self = .vscode
        case .jetbrains: self = .jetbrains
        default: break
        }
    }

    private init(family: AppFamily) {
        switch family {
        case .vscode: self = .vscode
        case .jetbrains: self = .jetbrains
        case .ssh: self = .ssh
        case .reconnectingPTY: self = .reconnectingPTY
        case .unknown: self = .other
        }
    }

    static func known(_ bytes: Span<UInt8>, _ range: Range<Int>) -> ConnectionType? {
        switch range.count {
        case 3: equal(bytes, range, "ssh") ? .ssh : nil
        case 6: equal(bytes, range, "vscode") ? .vscode : equal(bytes, range, "tunnel") ? .tunnel : nil
        case 9: equal(bytes, range, "jetbrains") ? .jetbrains : nil
        case 13: equal(bytes, range, "workspace_app") ? .workspaceApp : nil
        case 15: equal(bytes, range, "port_forwarding") ? .portForwarding : nil
        case 16: equal(bytes, range, "reconnecting_pty") ? .reconnectingPTY : nil
        default: nil
        }
    }
}

/// How a connection was made.
public enum ConnectionMethod: String, Sendable, CaseIterable {
    case ssh
    case reconnectingPTY = "reconnecting_pty"
    case workspaceApp = "workspace_app"
    case portForwarding = "port_forwarding"
    case tunnel
    /// None of these, or nothing.
    case other

    /// The method that belongs to a type.
    public init(_ type: ConnectionType) {
        switch type {
        case .ssh, .vscode, .jetbrains: self = .ssh
        case .reconnectingPTY: self = .reconnectingPTY
        case .workspaceApp: self = .workspaceApp
        case .portForwarding: self = .portForwarding
        case .tunnel: self = .tunnel
        case .other: self = .other
        }
    }
}

/// The kinds of client app that Coder knows, and their members.
package enum AppFamily: Sendable, CaseIterable {
    case vscode, jetbrains, ssh, reconnectingPTY, unknown

    /// The apps of the family under their normalized names.
    package var members: [String] {
        switch self {
        case .vscode:
            [
                "vscode", "vscode_insiders", "vscode_web", "code_server", "cursor", "windsurf", "positron", "vscodium",
                "codium", "antigravity", "trae", "kiro", "devin", "code_oss", "vscodium_insiders", "devin_next",
                "trae_cn",
            ]
        case .jetbrains:
            [
                "jetbrains", "intellij", "pycharm", "goland", "webstorm", "phpstorm", "rubymine", "clion", "rider",
                "rustrover", "datagrip", "dataspell", "mps", "android_studio",
            ]
        case .ssh: ["ssh", "zed"]
        case .reconnectingPTY: ["reconnecting_pty"]
        case .unknown: []
        }
    }

    /// The family of an app under its normalized name.
    package init(_ app: String) {
        self = AppFamily.ofApp[Array(app.utf8)] ?? .unknown
    }

    /// Allocates nothing: common names are compared in place, the others looked up by their first byte.
    init(_ bytes: Span<UInt8>, _ range: Range<Int>) {
        self = .unknown
        guard !range.isEmpty else { return }
        for (name, family) in AppFamily.byFirstByte[Int(bytes[range.lowerBound])] where name.count == range.count {
            var isEqual = true
            for place in name.indices where name[place] != bytes[range.lowerBound + place] { isEqual = false }
            if isEqual {
                self = family
                return
            }
        }
    }

    private static let ofApp: [[UInt8]: AppFamily] = {
        var families: [[UInt8]: AppFamily] = [:]
        for family in AppFamily.allCases {
            for name in family.members { families[Array(name.utf8)] = family }
        }
        return families
    }()

    private static let byFirstByte: [[(name: [UInt8], family: AppFamily)]] = {
        var table = [[(name: [UInt8], family: AppFamily)]](repeating: [], count: 256)
        for family in AppFamily.allCases {
            for name in family.members {
                let bytes = Array(name.utf8)
                table[Int(bytes[0])].append((bytes, family))
            }
        }
        return table
    }()
}

/// Names of client apps.
package enum AppName {
    /// The registry's name for an app, or the app itself.
    package static func displayName(_ app: String) -> String { displayNames[app] ?? app }

    private static let displayNames = [
        "vscode": "VS Code", "vscode_insiders": "VS Code Insiders", "vscode_web": "VS Code Web",
        "code_server": "code-server", "cursor": "Cursor", "windsurf": "Windsurf", "positron": "Positron",
        "vscodium": "VSCodium", "codium": "VSCodium", "antigravity": "Antigravity", "trae": "Trae", "kiro": "Kiro",
        "devin": "Devin", "jetbrains": "JetBrains", "zed": "Zed", "ssh": "SSH", "reconnecting_pty": "Web Terminal",
    ]

    /// Control characters dropped, trimmed, cut to 64 characters, lower case, `-` as `_`; empty is `unknown`.
    package static func normalized(_ name: String) -> String {
        let printable = name.unicodeScalars.filter { $0.properties.generalCategory != .control }
        let cut = trimmed(trimmed(Array(printable)).prefix(64))
        var text = String.UnicodeScalarView()
        text.append(contentsOf: cut.map { $0 == "-" ? "_" : $0 })
        return text.isEmpty ? "unknown" : String(text).lowercased()
    }

    private static func trimmed(_ scalars: some BidirectionalCollection<Unicode.Scalar>) -> [Unicode.Scalar] {
        let head = scalars.drop { $0.properties.isWhitespace }
        return Array(head.reversed().drop { $0.properties.isWhitespace }.reversed())
    }
}
