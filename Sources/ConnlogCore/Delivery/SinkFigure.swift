/// One thing that a sink counts or measures itself, beside what its delivery does: for the status and the metrics.
///
///     requests    endpoint https://splunk.example.com:8088, answer 503/9    counter    12
public struct SinkFigure: Sendable, Equatable, Codable {
    public enum Kind: String, Sendable, Equatable, Codable {
        /// Since the sink was made; only rises.
        case counter
        /// How it is now.
        case gauge
    }

    public struct Label: Sendable, Equatable, Codable {
        public let name: String
        /// One of a bounded number of values, never a secret.
        public let value: String

        public init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    /// Lower case, digits and `_`; ends with its unit (`_bytes`, `_seconds`) unless it counts things.
    public let name: String
    public let labels: [Label]
    public let kind: Kind
    public let value: Double

    public init(_ kind: Kind, _ name: String, _ labels: [Label] = [], _ value: Double) {
        self.kind = kind
        self.name = name
        self.labels = labels
        self.value = value
    }

    public init(_ kind: Kind, _ name: String, _ labels: [Label] = [], _ value: Int) {
        self.init(kind, name, labels, Double(value))
    }

    /// In seconds.
    public init(_ kind: Kind, _ name: String, _ labels: [Label] = [], _ value: Duration) {
        self.init(kind, name, labels, value / .seconds(1))
    }
}

extension SinkFigure {
    /// Figures for people in one line, those that are 0 left out: `requests (https://a:8088, 200/0) 12, ...`.
    public static func words(_ figures: [SinkFigure]) -> String {
        figures.filter { $0.value != 0 }.map { figure in
            let labels = figure.labels.map(\.value).joined(separator: ", ")
            return "\(figure.name) \(labels.isEmpty ? "" : "(\(labels)) ")\(number(figure.value))"
        }.joined(separator: ", ")
    }

    /// Without more digits than people want: thousandths at most.
    private static func number(_ value: Double) -> String {
        if let whole = Int(exactly: value) { return "\(whole)" }
        return "\((value * 1000).rounded() / 1000)"
    }
}
