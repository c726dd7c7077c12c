#if Server
import ConnlogCore

/// What lists are asked by most, as one number: an index that begins with it, or with a person and it, goes on by time.
struct RowClass: Hashable, Sendable {
    var organization: String?
    var type: ConnectionType
    var app: App

    /// A client's app.
    enum App: Hashable, Sendable {
        case none
        /// One that Coder knows, under its normalized name.
        case known(String)
        /// Another; which one stands in the row. There may be any number of them, so they are one class.
        case other
    }

    init(_ event: StoredEvent) {
        organization = event.organization?.text
        type = event.type
        app = App(event.app)
    }

    static let sql = "SELECT class, organization, type, app FROM classes"

    /// - Parameter row: of `sql`.
    init(_ row: Columns) {
        organization = row.text(1)
        type = row.text(2).flatMap { ConnectionType(rawValue: $0) } ?? .other
        app =
            switch row.text(3) {
            case nil: .none
            case "*": .other
            case let name?: .known(name)
            }
    }

    /// How `app` is stored.
    var appText: String? {
        switch app {
        case .none: nil
        case .known(let name): name
        case .other: "*"
        }
    }
}

extension RowClass.App {
    init(_ name: String?) {
        guard let name else {
            self = .none
            return
        }
        self = RowClass.App.isKnown(name) ? .known(name) : .other
    }

    static func isKnown(_ name: String) -> Bool { AppFamily(name) != .unknown }
}
#endif
