#if Server
package import ConnlogCore
import ConnlogStore
import ConnlogSystem
import Hummingbird
import Synchronization

/// Gets audit events; must not wait.
package typealias AuditLog = @Sendable (AuditEvent) -> Void

/// What is told of one question once its answer is over, whichever way it ends: all of it gone out, broken off, or dropped
/// before its first byte. A question that was refused gave nothing away and is not told.
///
/// Events are followed for days, so who begins to is told at once, and once more at the end with how many they were.
final class AuditNote: Sendable {
    private struct State {
        var event: AuditEvent
        /// The answer has begun.
        var isGiven = false
        var isTold = false
    }

    private let state: Mutex<State>
    private let clock: any WallTime
    private let tell: AuditLog
    private let open: OpenAudits

    init(_ event: AuditEvent, clock: any WallTime, among open: OpenAudits, tell: @escaping AuditLog) {
        state = Mutex(State(event: event))
        self.clock = clock
        self.open = open
        self.tell = tell
    }

    deinit { end(isComplete: false) }

    func note(_ change: (inout AuditEvent) -> Void) { state.withLock { change(&$0.event) } }

    /// What is asked, before anything is answered.
    func note(_ question: Question) {
        note { event in
            event.filter = AuditEvent.cut(filter: question.text)
            event.zone = question.zone.name
            event.from = question.query.begin?.clamped.nanoseconds
            event.to = question.query.end?.clamped.nanoseconds
        }
    }

    /// The range that is asked about, whatever the filter says.
    func note(from: Microseconds?, to: Microseconds?) {
        note { ($0.from, $0.to) = (from?.nanoseconds, to?.nanoseconds) }
    }

    /// More rows or events of the answer.
    func count(_ rows: Int) { note { $0.rows = ($0.rows ?? 0) + rows } }

    /// The answer with word of its end.
    func following(_ response: Response) -> Response {
        let begun = state.withLock { state in
            state.isGiven = true
            return state.event
        }
        guard response.body.contentLength == nil else {
            end(isComplete: true)
            return response
        }
        if begun.action == .watch { tellBeginning(begun) }
        open.add(self)
        var response = response
        let body = response.body
        response.body = ResponseBody { [self] writer in
            defer { end(isComplete: false) }
            try await body.write(writer)
            end(isComplete: true)
        }
        return response
    }

    private func tellBeginning(_ event: AuditEvent) {
        var event = event
        (event.id, event.time, event.isComplete) = (UUIDText.random(), clock.now(), false)
        tell(event)
    }

    fileprivate func end(isComplete: Bool) {
        open.remove(self)
        let now = clock.now()
        let event = state.withLock { state -> AuditEvent? in
            guard state.isGiven, !state.isTold else { return nil }
            state.isTold = true
            // Nobody comes to the end of what is followed.
            state.event.isComplete = isComplete || state.event.action == .watch
            state.event.time = now
            return state.event
        }
        if let event { tell(event) }
    }
}

/// The answers that go on.
final class OpenAudits: Sendable {
    private struct Weak: Sendable { weak let note: AuditNote? }

    private let notes = Mutex<[ObjectIdentifier: Weak]>([:])

    func add(_ note: AuditNote) { notes.withLock { $0[ObjectIdentifier(note)] = Weak(note: note) } }
    func remove(_ note: AuditNote) { _ = notes.withLock { $0.removeValue(forKey: ObjectIdentifier(note)) } }

    /// Tells of all of them as they are now; what still goes out of them is not told.
    func endAll() {
        let all = notes.withLock { notes in
            defer { notes = [:] }
            return notes.values.compactMap(\.note)
        }
        for note in all { note.end(isComplete: false) }
    }
}

extension AuditNote {
    /// - Returns: `nil` where nobody is told.
    static func of(
        _ route: Route, _ parameters: Parameters, _ caller: Caller, _ request: Request, _ context: APIContext,
        _ state: APIState, clock: any WallTime
    ) -> AuditNote? {
        guard let tell = state.parts.audit, let action = action(route, parameters) else { return nil }
        var event = AuditEvent(
            action, by: caller.name, role: caller.role.rawValue, filter: parameters["q"] ?? "",
            address: context.isLocalSocket ? "socket" : context.peer, userAgent: request.headers[.userAgent],
            at: clock.now())
        if action == .export { event.format = parameters["format"] ?? "jsonl" }
        return AuditNote(event, clock: clock, among: state.openAudits, tell: tell)
    }

    private static func action(_ route: Route, _ parameters: Parameters) -> AuditEvent.Action? {
        switch route {
        case .list: .list
        case .export: parameters["format"] == "package" ? .package : .export
        case .stats: .stats
        case .people: .people
        case .watch: .watch
        case .names: .names
        case .details: .details
        case .audit: .audit
        default: nil
        }
    }
}
#endif
