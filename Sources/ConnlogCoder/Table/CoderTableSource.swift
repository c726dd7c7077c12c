package import ConnlogCore
package import ConnlogPipeline
import ConnlogSystem
import Synchronization

/// `type = coder_api`: the rows of Coder's own table of connections, as events (`TableReader`).
///
/// For those who cannot read coderd's log. The position goes into the queue with the events, so a crash neither loses nor
/// repeats one.
package struct CoderTableSource: Source {
    let settings: TableReader.Settings
    let api: CoderAPI
    let context: SourceContext
    private let pause: @Sendable (Duration) async -> Void

    /// - Parameter pause: waits, or returns early when the task is cancelled.
    package init(
        _ settings: TableReader.Settings, _ api: CoderAPI, _ context: SourceContext,
        pause: @escaping @Sendable (Duration) async -> Void = { try? await Task.sleep(for: $0) }
    ) {
        self.settings = settings
        self.api = api
        self.context = context
        self.pause = pause
    }

    package var status: SourceStatus? { context.status }

    /// What `connlog check --connect` tries.
    package var trial: CoderTrial { CoderTrial(.rows, name: context.name, api: api) }

    package func run(into output: any EventOutput) async throws(SourceError) {
        let teller = TroubleTeller(api.base, context.log)
        let questions = TableQuestions(api, pause: pause, busy: { teller.tell($0) })
        let reader = TableReader(settings, questions, output, status: context.status, log: context.log)
        var failures = 0
        while !Task.isCancelled {
            do throws(TableReader.Stop) {
                let hasMore = try await reader.poll()
                teller.isWell()
                failures = 0
                if hasMore { continue }
                if context.once {
                    if reader.isSweeping { continue }
                    break
                }
                await pause(settings.interval)
            } catch {
                guard let trouble = try trouble(error), !Task.isCancelled else { return }
                failures += 1
                if context.once, failures >= CoderTableSource.triesMax || trouble.kind == .token {
                    throw SourceError("\(trouble)")
                }
                teller.tell(trouble)
                await pause(CoderTableSource.wait(after: trouble, failures))
            }
        }
        if context.once { try await flush(output) }
    }

    /// So often Coder is asked with `once`, before it is given up.
    private static let triesMax = 3

    /// - Returns: `nil`: connlog stops.
    private func trouble(_ stop: TableReader.Stop) throws(SourceError) -> CoderTrouble? {
        switch stop {
        case .coder(let trouble): return trouble
        case .queue(.stopping): return nil
        case .queue(.failed(let reason)):
            throw SourceError("reading Coder's table stops, since the queue cannot be written: \(reason)")
        }
    }

    private func flush(_ output: any EventOutput) async throws(SourceError) {
        do throws(AppendError) {
            try await output.flush()
        } catch {
            _ = try trouble(.queue(error))
        }
    }

    /// A new token is to be noticed within a minute; a role or a licence within an hour.
    static func wait(after trouble: CoderTrouble, _ failures: Int) -> Duration {
        if case .busy(let asked) = trouble.kind { return asked }
        let longest: Duration =
            switch trouble.kind {
            case .token: .seconds(60)
            case .forbidden, .notFound: .seconds(3600)
            default: .seconds(600)
            }
        return min(longest, .seconds(5) * (1 << min(failures, 10)))
    }
}

/// Tells what is wrong with Coder once, and that it is over.
final class TroubleTeller: Sendable {
    private let base: String
    private let log: LogFunction
    private let last = Mutex<CoderTrouble.Kind?>(nil)

    init(_ base: String, _ log: @escaping LogFunction) {
        self.base = base
        self.log = log
    }

    func tell(_ trouble: CoderTrouble) {
        // A pause of another length is the same trouble.
        let kind = if case .busy = trouble.kind { CoderTrouble.Kind.busy(.zero) } else { trouble.kind }
        let isNew = last.withLock { last in
            defer { last = kind }
            return last != kind
        }
        if isNew { log(.warning, "\(trouble); it is asked again, and events of other sources go on") }
    }

    func isWell() {
        let before = last.withLock { last in
            defer { last = nil }
            return last
        }
        if before != nil { log(.info, "\(base) answers again") }
    }
}
