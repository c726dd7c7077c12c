package import ConnlogConfig
public import ConnlogCore
import ConnlogQueue
import ConnlogSystem

/// A source as it is wanted, under its name: not yet running.
///
/// The name stands before its checkpoints in the queue: under another name it begins anew.
public struct PlannedSource: Sendable {
    /// Its name in the queue: under another, it reads from the beginning.
    public let name: String
    /// Its kind, for whoever looks on, such as `file`.
    public let type: String
    let source: any Source
    let status: SourceStatus
    private let origin: Origin

    /// - Parameters:
    ///   - source: runs in one pipeline at a time. A copy of this value goes on for it after `Pipeline.apply`; one made
    ///     anew takes its place.
    ///   - name: one that no other source of the plan has.
    public init(_ source: any Source, named name: String) {
        self.init(source, named: name, type: "\(Swift.type(of: source))", .newValue())
    }

    /// Of a section of a configuration: what is made from one that says the same goes on for it.
    package init(_ source: any Source, _ section: Section) {
        self.init(
            source, named: section.name ?? "", type: section.type ?? "", .section(section, hostname: ""))
    }

    private init(_ source: any Source, named name: String, type: String, _ origin: Origin) {
        self.source = source
        self.name = name
        self.type = type
        self.origin = origin
        status = source.status ?? SourceStatus()
    }

    /// What takes events that are handed in, if it is such a source.
    package var intake: (any EventIntake)? { source as? any EventIntake }
}

extension PlannedSource: PlannedPart {
    func isSame(as other: PlannedSource) -> Bool { origin.isSame(as: other.origin) }
}

/// A source at work.
struct RunningSource: RunningPart {
    let made: PlannedSource
    /// Kept, since a task does not keep its executor.
    let thread: ThreadExecutor
    let task: Task<SourceError?, Never>
    let vitals: SourceVitals
}

extension PlannedSource {
    /// Starts reading on a thread of its own, from where the queue says that it was.
    func start(_ queue: Queue) -> RunningSource {
        let thread = ThreadExecutor("source \(name)")
        let source = source
        // One that does not count is known by what it hands over.
        let output = QueueOutput(queue: queue, source: name, counting: source.status == nil ? status : nil)
        let task = Task(executorPreference: thread) { () async -> SourceError? in
            do throws(SourceError) {
                try await source.run(into: output)
                return nil
            } catch {
                return error
            }
        }
        return RunningSource(made: self, thread: thread, task: task, vitals: output.vitals)
    }
}
