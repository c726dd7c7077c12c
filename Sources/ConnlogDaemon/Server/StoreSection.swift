#if Server
import ConnlogConfig
import ConnlogCore
import ConnlogStore

/// `[store]`: the connections in a database of their own.
enum StoreSection {
    /// How the store is called among the sinks.
    static let sinkName = "store"

    static let schema = SectionSchema(
        kind: "store", type: "sqlite", isNamed: false,
        summary:
            "A database of connections, each a row merged from its events: what the API and the page answer from.",
        keys: [
            Key(
                "path", .path, default: "${data_dir}/connlog.db",
                help: "The file; two more beside it have its name with -wal and -shm. On a local disk."),
            Key(
                "retention", .duration(.seconds(3600)...(.seconds(86_400 * 36_500))), example: "365d",
                help: "Connections not heard of for longer are let go of; without it, none are."),
            Key(
                "retention_size", .size(16_777_216...Int.max), example: "50GiB",
                help: "When the connections take more than this, the oldest go."),
            Key(
                "lost_after", .duration(.seconds(60)...(.seconds(86_400 * 3650))), default: "3d",
                help:
                    "An agent's connection without an end that began longer ago is lost: its end was never reported. For "
                    + "a day it is open, in between unconfirmed."),
            Key(
                "cache_size", .size(1_048_576...17_179_869_184), default: "64MiB",
                help: "Memory for the pages of the file."),
            Key(
                "reconcile_every", .duration(.seconds(1) ... .seconds(7 * 86_400)), example: "1h",
                help:
                    "How often the connections of the last day are compared with Coder's own table, and what is missing on "
                    + "either side is counted and told; without it, never. It takes a request for each 500 of them. "
                    + "'connlog reconcile' lists them."),
            Key(
                "reconcile_coder", .string, example: "table",
                help:
                    "The name of the [source] or [directory] with type = coder_api that says which Coder that is; without "
                    + "it, the first."),
        ] + CommonSinkKeys.ofQueue)

    static func holder(_ section: Section) -> StoreHolder {
        StoreHolder(
            section.string("path"), cacheBytes: section.size("cache_size"),
            retention: ConnectionStore.Retention(
                age: section.optionalDuration("retention"), bytes: section.optionalSize("retention_size")),
            lostAfter: section.duration("lost_after"))
    }

    /// For a process that only answers questions, beside the one that writes.
    static func readingHolder(_ section: Section) -> StoreHolder {
        StoreHolder(
            readingOnly: section.string("path"), cacheBytes: section.size("cache_size"),
            lostAfter: section.duration("lost_after"))
    }
}
#endif
