import UnixSignals

/// SIGTERM, SIGINT and SIGHUP, caught from the moment this is made, so that one that comes early is not the end of the
/// process.
///
///     SIGTERM, SIGINT   once: stop reading, deliver for shutdown_timeout, keep the rest queued
///                       twice: stop at once; what was not delivered stays queued
///                       three times: end this instant, as a crash would, which loses nothing
///     SIGHUP            read the configuration again, open files anew, read credentials again, probe at once
///     SIGUSR1, SIGUSR2, SIGALRM   nothing, told once each: scripts made for other daemons send them
package struct DaemonSignals: Sendable {
    let sequence: UnixSignalsSequence

    package static func trap() async -> DaemonSignals {
        DaemonSignals(sequence: await UnixSignalsSequence(trapping: [.sigterm, .sigint, .sighup] + ignored))
    }

    static let ignored: [UnixSignal] = [.sigusr1, .sigusr2, .sigalrm]
}
