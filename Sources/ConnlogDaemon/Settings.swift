import ConnlogConfig
import ConnlogQueue
import ConnlogSystem

/// `[connlog]`, read.
struct Settings: Sendable {
    let dataDirectory: String
    let hostname: String
    let shutdownTimeout: Duration
    let queue: QueueOptions

    init(_ section: Section) {
        dataDirectory = section.string("data_dir")
        hostname = section.optionalString("hostname") ?? Machine.hostname
        shutdownTimeout = section.duration("shutdown_timeout")
        var options = QueueOptions()
        options.queueBytesMax = section.size("queue_size")
        options.segmentBytes = section.size("segment_size")
        options.freeBytesMin = section.optionalSize("min_free")
        options.durability =
            switch section.string("durability") {
            case "interval": .interval(section.duration("sync_interval"))
            case "none": .none
            default: .sync
            }
        queue = options
    }
}
