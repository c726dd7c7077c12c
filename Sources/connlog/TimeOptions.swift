import ArgumentParser
import ConnlogCore
import ConnlogSystem
import ConnlogTools

/// `--utc`, `--local`, `--zone NAME`: how times are shown, and what is meant by one without an offset.
struct TimeOptions: ParsableArguments {
    @Flag(help: "Show times in UTC; so it is by itself.") var utc = false
    @Flag(help: "Show times in the machine's time zone.") var local = false
    @Option(help: "Show times in this time zone, such as Europe/Berlin.") var zone: String?

    func validate() throws {
        if [utc, local, zone != nil].count(where: { $0 }) > 1 {
            throw ValidationError("--utc, --local and --zone exclude one another")
        }
    }

    /// - Throws: a usage mistake when the machine does not know the zone.
    func shown() throws(ToolError) -> ShownTime {
        if let zone {
            do throws(Zone.Problem) { return ShownTime(try Zone(named: zone)) } catch {
                throw .usage("--zone: \(error)")
            }
        }
        return local ? ShownTime(name: "local") { LocalTime.offset(at: $0) } : .utc
    }

    /// What is added to a question, so that times of day in it are those of the clocks that are shown.
    /// - Throws: a usage mistake where the machine does not say which zone its own is, and it matters.
    func parameter(_ query: String) throws(ToolError) -> String {
        let named = zone ?? (local ? LocalTime.zoneName : nil)
        if let named { return query.isEmpty || named == "UTC" ? "" : "&zone=\(URLText.escaped(named))" }
        guard local, query.contains("hour:") || query.contains("day:") else { return "" }
        throw .usage(
            "--local: this machine does not say which time zone it is in, and the query has times of day; name "
                + "it with --zone")
    }
}

extension ShownTime {
    /// A point in time as people write it: `24h` and `-24h` (that long ago), a date or a time of this zone, RFC 3339, `now`.
    func point(_ text: String, _ option: String) throws(ToolError) -> Nanoseconds {
        let now = SystemWallTime().now()
        if let time = time(text) { return time }
        if let time = TimePoint.time(text, now: now) ?? TimePoint.time("-\(text)", now: now) { return time }
        throw .usage("\(option): '\(text)' is not a time; write 24h (s, m, h, d, w), a date, RFC 3339, or now")
    }
}
