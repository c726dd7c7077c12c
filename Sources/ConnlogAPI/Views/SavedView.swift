#if Server
import ConnlogCore
import ConnlogSystem

/// What somebody looks at, under a name: a filter, and how what matches is shown.
///
/// All of it is what whoever saved it wrote. It is given out as JSON and shown as text, never as markup or a command.
struct SavedView: Sendable, Equatable {
    /// 32 hex digits: 16 that are its owner's, 16 at random.
    var id: String
    var name: String
    var filter: String
    var zone: String
    /// The range, the tab, the columns, the sort: whatever a page keeps there, by its own keys.
    var shown: [String: String]

    static let nameMax = 80
    static let filterBytesMax = 4096
    static let shownMax = 16
    static let shownKeyBytesMax = 32
    static let shownValueBytesMax = 512

    var json: JSONValue {
        [
            "id": .string(id), "name": .string(name), "q": .string(filter), "zone": .string(zone),
            "shown": .object(shown.sorted { $0.key < $1.key }.map { .init(key: $0.key, value: .string($0.value)) }),
        ]
    }

    /// What everybody has.
    static let builtIn = [
        SavedView(id: "open-now", name: "Open now", filter: "status:open"),
        SavedView(id: "refused", name: "Refused", filter: "\(FacetJSON.web) code:401,403"),
        SavedView(id: "longer-than-8h", name: "Longer than 8 h", filter: "duration:>8h"),
        SavedView(id: "after-hours", name: "After hours", filter: "-hour:08-18"),
        SavedView(id: "new-addresses", name: "New addresses", filter: "new:ip connected_after:-7d"),
        SavedView(id: "end-unknown", name: "End unknown", filter: "status:lost,unconfirmed"),
    ]

    init(id: String, name: String, filter: String, zone: String = "UTC", shown: [String: String] = [:]) {
        (self.id, self.name, self.filter, self.zone, self.shown) = (id, name, filter, zone, shown)
    }

    /// What a mistake is about, and what it is.
    struct Mistake: Error, Equatable {
        let field: String
        let detail: String
    }

    /// From what somebody sends.
    init(_ value: JSONValue, id: String) throws(Mistake) {
        guard case .object(let members) = value else { throw Mistake(field: "", detail: "must be an object") }
        for member in members where !["id", "name", "q", "zone", "shown"].contains(member.key) {
            throw Mistake(field: TerminalText.line(member.key), detail: "is no member of a view")
        }
        self.id = id
        name = try SavedView.text(value, "name", 1...SavedView.nameMax * 4)
        guard name.count <= SavedView.nameMax, !name.allSatisfy(\.isWhitespace), TerminalText.line(name) == name else {
            throw Mistake(
                field: "name", detail: "must be 1 to \(SavedView.nameMax) characters that can be seen, in one line")
        }
        filter = try SavedView.text(value, "q", 0...SavedView.filterBytesMax)
        zone = value["zone"] == nil ? "UTC" : try SavedView.text(value, "zone", 1...64)
        shown = try SavedView.shown(value["shown"])
    }

    private static func shown(_ value: JSONValue?) throws(Mistake) -> [String: String] {
        guard let value else { return [:] }
        guard case .object(let members) = value, members.count <= shownMax else {
            throw Mistake(field: "shown", detail: "must be an object of at most \(shownMax) texts")
        }
        var shown: [String: String] = [:]
        for member in members {
            guard let text = member.value.string, (1...shownKeyBytesMax).contains(member.key.utf8.count),
                text.utf8.count <= shownValueBytesMax
            else {
                throw Mistake(
                    field: "shown",
                    detail:
                        "must have keys of 1 to \(shownKeyBytesMax) bytes and texts of at most \(shownValueBytesMax)")
            }
            shown[member.key] = text
        }
        return shown
    }

    private static func text(_ value: JSONValue, _ key: String, _ length: ClosedRange<Int>) throws(Mistake) -> String {
        guard let text = value[key]?.string, length.contains(text.utf8.count) else {
            throw Mistake(
                field: key, detail: "must be a text of \(length.lowerBound) to \(length.upperBound) bytes")
        }
        return text
    }
}
#endif
