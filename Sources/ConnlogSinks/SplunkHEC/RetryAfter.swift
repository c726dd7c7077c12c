internal import ConnlogSystem

/// The values of a Retry-After header (RFC 9110 §10.2.3).
enum RetryAfter {
    /// Seconds from `now`: the value itself, or until the date that it is. `nil` for anything else.
    static func seconds(_ text: String, now: Nanoseconds) -> Int64? {
        // Nine digits are thirty years; more is no pause.
        if !text.isEmpty, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) {
            return text.utf8.count <= 9 ? Int64(text) : nil
        }
        guard let date = HTTPDate.parse(text) else { return nil }
        return date - now / 1_000_000_000
    }
}
