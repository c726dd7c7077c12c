package import ConnlogCore

extension DeadLetterRetry.Outcome {
    /// For people.
    package func text(sink: String) -> String {
        var text = "delivered   \(delivered), and removed from the dead letters of sink '\(sink)'\n"
        if refusedInAll > 0 {
            let labels = refused.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", ")
            text += "refused     \(refusedInAll) again, and kept (\(labels)): \(lastRefusal ?? "")\n"
        }
        if left > 0 { text += "not tried   \(left), and kept\n" }
        if unreadable > 0 { text += "unreadable  \(Quantity.count(unreadable, "line")), kept\n" }
        if possibleRepeats > 0 { text += "repeats     \(possibleRepeats) may have been sent twice\n" }
        return text
    }

    /// For programs.
    package func json(sink: String) -> JSONValue {
        [
            "sink": .string(sink), "delivered": JSONValue(delivered),
            "refused": .object(
                refused.sorted { $0.key < $1.key }.map { .init(key: $0.key, value: JSONValue($0.value)) }),
            "last_refusal": JSONValue(lastRefusal), "left": JSONValue(left), "unreadable": JSONValue(unreadable),
            "possible_repeats": JSONValue(possibleRepeats), "gave_up": JSONValue(gaveUp),
        ]
    }
}
