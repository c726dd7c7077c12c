/// The keys that every `[sink "name"]` has besides `type`, whatever its type: the registry adds them to each schema.
package enum CommonSinkKeys {
    package static let filter = Key(
        "filter", .string, example: "type:ssh",
        help: "Which events it gets, in the filter language; without it, every event.")

    package static let queueSize = Key(
        "queue_size", .size(1_048_576...Int.max), default: "4GiB",
        help: "How far this sink may lag behind the newest event in the queue.")

    package static let onFull = Key(
        "on_full", .choice(["block", "drop_oldest"]), default: "block",
        help:
            "When it lags that far: block makes the sources wait, drop_oldest gives up its oldest events and counts them."
    )

    package static let deadLetterSize = Key(
        "dead_letter_size", .size(65_536...Int.max), default: "256MiB",
        help:
            "Bytes of events that its receiver refused for good; they are kept until somebody looks. When that is reached, "
            + "the sink keeps its events and sends no more.")

    package static let include = Key(
        "include", .choice(["audit"]), example: "audit",
        help: "What it gets beside connections; audit: who asked the server, and who exported what.")

    /// Of whatever is in the queue.
    package static let ofQueue = [filter, queueSize, onFull, deadLetterSize]
    package static let all = [filter, include, queueSize, onFull, deadLetterSize]
}
