/// How `connlog run` ends.
package enum ExitStatus: Int32, Sendable {
    /// Everything that was taken in is delivered.
    case done = 0
    /// Something failed while running; what it was stands in the log.
    case failed = 1
    /// The configuration or the command line is wrong; nothing was started.
    case usage = 2
    /// Stopped with events still queued: they are safe, and delivered after the next start.
    case eventsQueued = 3
}
