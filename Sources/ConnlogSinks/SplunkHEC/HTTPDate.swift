internal import ConnlogCore
internal import ConnlogSystem

/// The values of a Retry-After header.
enum HTTPDate {
    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    /// Seconds from `now`: the value itself, or until the date that it is. `nil` for anything else.
    static func seconds(_ text: String, now: Nanoseconds) -> Int64? {
        // Nine digits are thirty years; more is no pause.
        if !text.isEmpty, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) {
            return text.utf8.count <= 9 ? Int64(text) : nil
        }
        guard let date = parse(text) else { return nil }
        return date - now / 1_000_000_000
    }

    /// `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110 §5.6.7; the two obsolete forms are not read) as seconds since 1970.
    static func parse(_ text: String) -> Int64? {
        let parts = text.split(separator: " ", omittingEmptySubsequences: false)
        guard parts.count == 6, parts[0].hasSuffix(","), parts[5] == "GMT" else { return nil }
        guard let month = months.firstIndex(of: String(parts[2])) else { return nil }
        let date = "\(parts[3])-\(month < 9 ? "0" : "")\(month + 1)-\(parts[1])T\(parts[4])Z"
        return EventTime.parse(date).map { $0 / 1_000_000_000 }
    }
}
