import ConnlogCore
import ConnlogPipeline
import ConnlogSystem

/// Reads the files of names, again when they change, on a thread of its own: a disk that does not answer keeps names
/// from coming, and nothing else.
final class NamesKeeper: Sendable {
    private let names: NameDirectory
    private let log: LogFunction
    private let hasRead = Stopper()
    private let isOver = Stopper()

    /// So long a start waits for names, which sinks may put into the first events.
    private static let patience = Duration.seconds(5)

    init(_ names: NameDirectory, log: @escaping LogFunction) {
        self.names = names
        self.log = log
    }

    /// Begins, and returns once everything was read, or does not come soon.
    func start() async {
        Task(executorPreference: ThreadExecutor("names")) { [self] in
            while !isOver.isAsked {
                names.refresh()
                hasRead.ask()
                try? await Task.sleep(for: .seconds(1))
            }
        }
        let isInTime = await withTaskGroup(of: Bool.self) { group in
            group.addTask { [hasRead] in
                await hasRead.wait()
                return true
            }
            group.addTask {
                try? await Task.sleep(for: NamesKeeper.patience)
                return false
            }
            defer { group.cancelAll() }
            return await group.next() ?? false
        }
        if !isInTime { log(.warning, "the files of [directory] do not answer; connlog starts without their names") }
    }

    /// Reads no more. Does not wait for a read that is under way.
    func stop() { isOver.ask() }
}
