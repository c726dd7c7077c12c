import ConnlogCore

/// What is bound to a `?`.
enum SQLValue: Hashable {
    case null
    case int(Int64)
    case text(String)
    case bytes([UInt8])
    /// 16 bytes.
    case uuid(UInt64, UInt64)

    static func int(_ number: Int?) -> SQLValue { number.map { .int(Int64($0)) } ?? .null }
    static func int(_ number: Int64?) -> SQLValue { number.map { .int($0) } ?? .null }
    static func time(_ time: Microseconds?) -> SQLValue { time.map { .int($0.count) } ?? .null }
    static func text(_ text: String?) -> SQLValue { text.map { .text($0) } ?? .null }

    /// A UUID is its 16 bytes, anything else its text.
    static func id(_ id: Identifier?) -> SQLValue {
        switch id {
        case nil: .null
        case .uuid(let high, let low): .uuid(high, low)
        case .exact(let exact): .text(exact.text)
        }
    }
}
