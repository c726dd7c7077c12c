#if Server
import ConnlogAPI
import ConnlogCore
import ConnlogPipeline
import ConnlogSystem
import Synchronization

/// One server process, seen from the forwarder.
final class ServerChild: Sendable {
    /// The command that the process is started with.
    static let command = "serve-questions"
    /// How often it is asked whether it is still there, and how long it may not answer. Long: it has the processor only
    /// when others leave it.
    private static let pingPause = Duration.seconds(2)
    private static let silenceLongest = Duration.seconds(120)
    /// How long it may take to end.
    private static let endLongest = Duration.seconds(6)
    private static let settleLongest = Duration.seconds(5)

    private let process: ChildProcess
    private let link: ServerLink
    private let door: IntakeDoor
    private let over = Alarm()
    private let settled = Stopper()
    private let now = Mutex(Now())

    private struct Now {
        var state: ServerState?
        var lastAnswer = ContinuousClock.now
        var stopAsked: ContinuousClock.Instant?
    }

    /// - Parameter audit: gets who asked.
    init(overview: @escaping @Sendable () -> Overview, audit: AuditDoor) throws(SystemError) {
        let (ours, theirs) = try FrameChannel.pair()
        // A crash must not take a quarter of a minute to be described before the process is started again.
        process = try ChildProcess.again(
            [ServerChild.command], environment: ["SWIFT_BACKTRACE": "enable=no"], channel: theirs)
        let link = ServerLink(ours)
        self.link = link
        door = IntakeDoor { id, reply in
            if let frame = try? Frame(.intakeReply, id: id, of: reply) { link.send(frame) }
        }
        link.start("server") { [weak self] frame in
            self?.take(frame, overview, audit)
        } ended: { [over, door, settled] in
            door.cancelAll()
            settled.ask()
            over.ring()
        }
    }

    /// How it is, as it said itself; `nil` until then.
    var state: ServerState? { now.withLock { $0.state } }

    /// Somebody has asked it to end.
    var wasStopped: Bool { now.withLock { $0.stopAsked != nil } }

    /// Serve as this says, from now on.
    func use(_ configuration: ServerConfiguration, _ intake: (any EventIntake)?) {
        door.use(intake)
        if let frame = try? Frame(.configuration, of: configuration) { link.send(frame) }
    }

    /// Returns when what it has told so far is here, or after a while.
    func settle() async {
        link.send(Frame(.settle))
        _ = await settled.wait(atMost: ServerChild.settleLongest)
    }

    func noteChange() { link.send(Frame(.changed)) }

    func stop() {
        now.withLock { if $0.stopAsked == nil { $0.stopAsked = .now } }
        link.send(Frame(.stop))
    }

    private func take(_ frame: Frame, _ overview: @Sendable () -> Overview, _ audit: AuditDoor) {
        switch frame.message {
        case .state: now.withLock { $0.state = (try? frame.value(ServerState.self)) ?? $0.state }
        case .pong: now.withLock { $0.lastAnswer = .now }
        case .overview:
            if let answer = try? Frame(.overview, id: frame.id, of: overview()) { link.send(answer) }
        case .settled: settled.ask()
        case .audit: audit.take(frame.payload)
        case .auditsLost: audit.noteLost((try? frame.value(Int.self)) ?? 1)
        default: door.take(frame)
        }
    }

    /// Waits for its end, and sees to it that there is one: when it was asked to, or does not answer any more.
    /// - Returns: how it ended.
    func waitUntilOver(_ log: LogFunction) -> ChildProcess.End {
        while !over.wait(atMost: wasStopped ? .milliseconds(200) : ServerChild.pingPause) {
            ping()
            if isOverdue {
                process.signal(9)
                break
            }
            if isSilent {
                log(
                    .error,
                    "server: its process has not answered for \(ServerChild.silenceLongest), so it is ended")
                process.signal(9)
                break
            }
        }
        // Without its channel it ends by itself; if not even that, it is made to.
        let killer = Alarm()
        Thread.start("server end") { [process] in
            if !killer.wait(atMost: ServerChild.endLongest) { process.signal(9) }
        }
        let end = process.wait()
        killer.ring()
        link.close()
        return end
    }

    private func ping() { link.send(Frame(.ping)) }

    private var isOverdue: Bool {
        now.withLock { $0.stopAsked.map { ContinuousClock.now - $0 > ServerChild.endLongest } ?? false }
    }

    private var isSilent: Bool { now.withLock { ContinuousClock.now - $0.lastAnswer > ServerChild.silenceLongest } }
}
#endif
