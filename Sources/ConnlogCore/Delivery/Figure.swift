/// One thing that a part of connlog counts or measures: a line of the metrics, of the status, of the page.
///
///     Figure(.counter, "requests", "Requests answered.", by: [.init("answer", "503/9")], 12)
///
/// A part gives all its figures each time it is asked, in one order. Whoever shows them asks for no name: a new figure
/// is one more in its part's list.
public struct Figure: Sendable, Equatable, Codable {
    /// How it moves.
    public enum Kind: String, Sendable, Equatable, Codable {
        /// Since its part was made; only rises.
        case counter
        /// How it is now.
        case gauge
        /// The number of those up to a bound (`_bucket`, by `le`), their sum (`_sum`) or their number (`_count`).
        case histogram
        /// One of several words, its only label; the value is 1.
        case state
    }

    /// What one of it is.
    public enum Unit: String, Sendable, Equatable, Codable {
        /// The things that it counts; for a state and a yes or no, nothing.
        case one
        case bytes
        case seconds
        /// A time of the wall clock, in seconds since 1970.
        case time
        /// 1 or 0.
        case flag
        /// Things in a second.
        case perSecond
    }

    /// What tells two values of one name apart.
    public struct Label: Sendable, Equatable, Codable {
        /// The label's name: `a-z` and `_`.
        public let name: String
        /// One of a bounded number of values, never a secret.
        public let value: String

        /// A label with its value.
        public init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    /// Whether it only grows, goes up and down, or is a state.
    public let kind: Kind
    /// Lower case, digits and `_`; ends with its unit (`_bytes`, `_seconds`) unless it counts things.
    public let name: String
    /// Its name in the status' JSON.
    public let key: String
    /// What it counts.
    public let unit: Unit
    /// A sentence.
    public let help: String
    /// What it is about; in the order in which they are shown.
    public let labels: [Label]
    /// `nil` where there is no label's value yet to count anything by.
    public let value: Double?

    /// - Parameters:
    ///   - kind: how it moves.
    ///   - name: within its part: `a-z` and `_`.
    ///   - key: its name without a word for what it counts, if that is another one.
    ///   - unit: what one of it is.
    ///   - help: a sentence.
    ///   - labels: what tells it from others of its name.
    ///   - value: `nil` where there is no label's value yet to count anything by.
    public init(
        _ kind: Kind, _ name: String, key: String? = nil, unit: Unit = .one, _ help: String, by labels: [Label] = [],
        _ value: Double?
    ) {
        self.kind = kind
        self.name = name
        self.key = key ?? name
        self.unit = unit
        self.help = help
        self.labels = labels
        self.value = value
    }

    /// A number that is whole.
    public init(
        _ kind: Kind, _ name: String, key: String? = nil, unit: Unit = .one, _ help: String, by labels: [Label] = [],
        _ value: some BinaryInteger
    ) {
        self.init(kind, name, key: key, unit: unit, help, by: labels, Double(value))
    }

    /// In seconds.
    public init(
        _ kind: Kind, _ name: String, key: String? = nil, _ help: String, by labels: [Label] = [], _ value: Duration
    ) {
        self.init(kind, name, key: key, unit: .seconds, help, by: labels, value / .seconds(1))
    }

    /// A state: 1 for yes, 0 for no.
    public init(_ name: String, key: String? = nil, _ help: String, isTrue: Bool) {
        self.init(.gauge, name, key: key, unit: .flag, help, isTrue ? 1 : 0)
    }

    /// One word of several.
    public init(_ name: String, _ help: String, state: String) {
        self.init(.state, name, help, by: [Label("state", state)], 1)
    }

    /// One for each of `counts`, by the value of `label`; where there is none, one without a value.
    public static func each(
        _ kind: Kind, _ name: String, key: String? = nil, _ help: String, by label: String, _ counts: [String: Int]
    ) -> [Figure] {
        if counts.isEmpty { return [Figure(kind, name, key: key, help, by: [Label(label, "")], nil)] }
        return counts.sorted { $0.key < $1.key }.map {
            Figure(kind, name, key: key, help, by: [Label(label, $0.key)], $0.value)
        }
    }
}

extension Figure {
    /// Figures for people in one line, those that are 0 left out: `requests (https://a:8088, 200/0) 12, ...`.
    package static func words(_ figures: [Figure]) -> String {
        figures.filter { $0.value ?? 0 != 0 }.map { figure in
            let labels = figure.labels.map(\.value).joined(separator: ", ")
            return "\(figure.name) \(labels.isEmpty ? "" : "(\(labels)) ")\(figure.number)"
        }.joined(separator: ", ")
    }

    /// Its value without more digits than people want: thousandths at most.
    package var number: String {
        guard let value else { return "" }
        if let whole = Int(exactly: value) { return "\(whole)" }
        return "\((value * 1000).rounded() / 1000)"
    }
}
