#if Server
import ConnlogAPI
import ConnlogCore
import ConnlogSystem
import Synchronization

/// The forwarder as its server process sees it: what it is asked, and what it takes.
final class RemoteForwarder: Sendable, EventIntake {
    /// Why there is no answer.
    enum Silence: Error, CustomStringConvertible {
        case tooLate, gone

        var description: String {
            switch self {
            case .tooLate: "the forwarder does not answer"
            case .gone: "the forwarder has ended"
            }
        }
    }

    /// How long the forwarder may take to say how it is.
    private static let patience = Duration.seconds(5)

    private let link: ServerLink
    private let waiting = Mutex(Waiting())
    private let lostAudits = Mutex(0)

    private struct Waiting {
        var nextID: UInt64 = 0
        var isOver = false
        var frames: [UInt64: CheckedContinuation<Frame?, Never>] = [:]
    }

    init(_ link: ServerLink) { self.link = link }

    // MARK: - Answers

    /// An answer of the forwarder's.
    func take(_ frame: Frame) {
        waiting.withLock { $0.frames.removeValue(forKey: frame.id) }?.resume(returning: frame)
    }

    /// There will be no answers any more.
    func end() {
        let left = waiting.withLock { waiting in
            waiting.isOver = true
            defer { waiting.frames = [:] }
            return waiting.frames.values.map { $0 }
        }
        for waiter in left { waiter.resume(returning: nil) }
    }

    fileprivate func makeID() -> UInt64 {
        waiting.withLock {
            $0.nextID += 1
            return $0.nextID
        }
    }

    /// Sends a frame and waits for the next one with its id; `nil` when there will be none, or nobody waits any more.
    fileprivate func ask(_ frame: Frame) async -> Frame? {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isOver = waiting.withLock { waiting in
                    if waiting.isOver || Task.isCancelled { return true }
                    waiting.frames[frame.id] = continuation
                    return false
                }
                if isOver { return continuation.resume(returning: nil) }
                link.send(frame)
            }
        } onCancel: {
            waiting.withLock { $0.frames.removeValue(forKey: frame.id) }?.resume(returning: nil)
        }
    }

    fileprivate func send(_ frame: Frame) { link.send(frame) }

    // MARK: - How it is

    /// - Throws: `Silence`, when there is no answer within `patience`.
    func overview() async throws -> Overview {
        let frame = Frame(.overview, id: makeID())
        let answer = await withTaskGroup(of: Frame?.self) { group in
            group.addTask { await self.ask(frame) }
            group.addTask {
                try? await Task.sleep(for: RemoteForwarder.patience)
                return nil
            }
            defer { group.cancelAll() }
            return await group.next() ?? nil
        }
        guard let answer else { throw waiting.withLock({ $0.isOver }) ? Silence.gone : Silence.tooLate }
        return try answer.value(Overview.self)
    }

    /// Who has asked what. Does not wait, and keeps no more than the link does while the forwarder takes nothing; how many
    /// were left out it is told with the next one.
    func record(_ event: AuditEvent) {
        lostAudits.withLock { lost in
            guard link.offer(Frame(.audit, Array(event.line.utf8))) else {
                lost += 1
                return
            }
            if lost > 0, let frame = try? Frame(.auditsLost, of: lost), link.offer(frame) { lost = 0 }
        }
    }

    // MARK: - What it takes

    func begin() throws(IntakeError) -> any IntakeSession { RemoteIntake(self, id: makeID()) }

    func begin(organizations: [String]) throws(IntakeError) -> any IntakeSession {
        let id = makeID()
        guard let limit = try? Frame(.intakeLimit, id: id, of: organizations) else { throw .stopping }
        send(limit)
        return RemoteIntake(self, id: id)
    }
}

/// One input that is handed on to the forwarder piece by piece, the next one when the last one is done with.
private final class RemoteIntake: IntakeSession {
    /// The most bytes of one piece.
    private static let pieceBytes = 256 << 10

    private let forwarder: RemoteForwarder
    private let id: UInt64
    private let isOver = Mutex(false)

    init(_ forwarder: RemoteForwarder, id: UInt64) {
        self.forwarder = forwarder
        self.id = id
    }

    deinit {
        if !isOver.withLock({ $0 }) { forwarder.send(Frame(.intakeCancel, id: id)) }
    }

    func take(_ bytes: Span<UInt8>) async throws(IntakeError) {
        var pieces: [[UInt8]] = []
        var start = 0
        while start < bytes.count {
            let end = min(bytes.count, start + RemoteIntake.pieceBytes)
            var piece: [UInt8] = []
            piece.reserveCapacity(end - start)
            for place in start..<end { piece.append(bytes[place]) }
            pieces.append(piece)
            start = end
        }
        for piece in pieces { _ = try await ask(Frame(.intakeBytes, id: id, piece)) }
    }

    func finish() async throws(IntakeError) -> IntakeReport {
        let reply = try await ask(Frame(.intakeEnd, id: id))
        isOver.withLock { $0 = true }
        guard let report = reply.report else { throw .failed("the forwarder has not said what became of it") }
        return report
    }

    private func ask(_ frame: Frame) async throws(IntakeError) -> IntakeReply {
        guard let answer = await forwarder.ask(frame), let reply = try? answer.value(IntakeReply.self) else {
            throw .stopping
        }
        if let error = reply.error {
            isOver.withLock { $0 = true }
            throw error
        }
        return reply
    }
}
#endif
