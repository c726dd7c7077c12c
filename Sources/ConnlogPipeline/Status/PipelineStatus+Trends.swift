import ConnlogCore
import ConnlogDelivery
import ConnlogQueue

extension PipelineStatus {
    /// With what takes more than one look to know.
    func withTrends(_ trends: Trends, _ watchdog: Watchdog) -> PipelineStatus {
        var status = self
        status.eventsPerSecond = trends.perSecond(.queue)
        for (index, source) in sources.enumerated() {
            status.sources[index].eventsPerSecond = trends.perSecond(.source(source.name))
            status.sources[index].sinceLastEvent = trends.quiet(.source(source.name))
            status.sources[index].unreadBytes = watchdog.unreadBytes(of: source.name)
        }
        for (index, sink) in sinks.enumerated() {
            status.sinks[index].deliveredPerSecond = trends.perSecond(.sink(sink.name))
            status.sinks[index].oldestWaits = sink.lag(queue) > 0 ? trends.age(of: sink.done) : .zero
        }
        return status
    }

    /// What rises, for the trends.
    var counts: [Trends.Part: Int] {
        var counts: [Trends.Part: Int] = [.queue: Int(clamping: queue.end)]
        for source in sources { counts[.source(source.name)] = source.counts.events }
        for sink in sinks { counts[.sink(sink.name)] = sink.status.delivered }
        return counts
    }
}
