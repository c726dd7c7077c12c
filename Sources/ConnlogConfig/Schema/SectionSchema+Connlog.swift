extension SectionSchema {
    /// `[connlog]`: the daemon itself.
    package static let connlog = SectionSchema(
        kind: "connlog", isNamed: false, summary: "The daemon itself: where it keeps its state, and how safe it plays.",
        keys: storageKeys + processKeys)

    private static let storageKeys = [
        Key(
            "data_dir", .path, default: "/var/lib/connlog",
            help: "Directory of the queue and the checkpoints; ${data_dir} stands for it in other values."),
        Key(
            "durability", .choice(["sync", "interval", "none"]), default: "sync",
            help: "sync: an event counts as taken when it is on the disk. interval: what came since the last "
                + "sync_interval is at risk when the machine fails. none: the kernel decides."),
        Key(
            "sync_interval", .duration(.milliseconds(1)...(.seconds(3600))), default: "200ms",
            help: "With durability = interval: at most this much is at risk."),
        Key(
            "queue_size", .size(4_194_304...Int.max), default: "8GiB",
            help: "Bytes that the queue may take on the disk; at least four segments."),
        Key(
            "min_free", .size(0...Int.max), example: "1GiB",
            help: "Sources wait rather than leave less than this free on the disk, which the machine may need; without "
                + "it, 256MiB, or a tenth of the disk where that is less. 0B: use it all. A store on a disk of its own "
                + "leaves as much free there: its events wait in the queue."),
        Key(
            "segment_size", .size(1_048_576...4_294_967_296), default: "64MiB",
            help: "Size of one file of the queue; a file is removed when every sink is done with it."),
    ]

    private static let processKeys = [
        Key(
            "hostname", .string, example: "coder.example.com",
            help: "The host name in what is sent; without it, the machine's name."),
        Key(
            "shutdown_timeout", .duration(.milliseconds(1)...(.seconds(3600))), default: "20s",
            help: "When asked to stop: how long to go on delivering; the rest stays queued for the next start."),
        Key(
            "log_level", .choice(["trace", "debug", "info", "warning", "error"]), default: "info",
            help: "What connlog says about itself on stderr."),
        Key(
            "log_format", .choice(["human", "json"]), default: "human",
            help: "How connlog writes about itself."),
        Key(
            "include", .list, example: "conf.d/*.ini",
            help: "More files, relative to this one, read after it in bytewise order; their values replace those here. "
                + "Wildcards are those of the shell."),
    ]
}
