#if Server
import ConnlogCore
import ConnlogSystem
import Synchronization

/// Takes what the server process hands in for the source of `type = ingest`, on a thread of its own.
///
/// Each piece is answered when it is done with, and the server sends the next one only then, so what is in memory is
/// bounded by the number of inputs at once.
final class IntakeDoor: Sendable {
    private enum Piece: Sendable {
        case bytes([UInt8])
        case end
    }

    private let thread = ThreadExecutor("ingest")
    private let inputs = Mutex<[UInt64: AsyncStream<Piece>.Continuation]>([:])
    /// Of inputs that are limited and have not begun.
    private let limits = Mutex<[UInt64: [String]]>([:])
    private let intake = Mutex<(any EventIntake)?>(nil)
    private let reply: @Sendable (UInt64, IntakeReply) -> Void

    /// - Parameter reply: sends what became of a piece.
    init(reply: @escaping @Sendable (UInt64, IntakeReply) -> Void) { self.reply = reply }

    /// Where events go from now on.
    func use(_ new: (any EventIntake)?) { intake.withLock { $0 = new } }

    /// A frame of the server's; one that is about something else is left alone.
    func take(_ frame: Frame) {
        switch frame.message {
        case .intakeBytes: input(frame.id).yield(.bytes(frame.payload))
        case .intakeEnd: input(frame.id).yield(.end)
        case .intakeLimit: limits.withLock { $0[frame.id] = (try? frame.value([String].self)) ?? [] }
        case .intakeCancel:
            limits.withLock { $0[frame.id] = nil }
            forget(frame.id)?.finish()
        default: return
        }
    }

    /// Nobody waits for anything any more.
    func cancelAll() {
        let all = inputs.withLock { inputs in
            defer { inputs = [:] }
            return inputs.values.map { $0 }
        }
        for input in all { input.finish() }
    }

    private func forget(_ id: UInt64) -> AsyncStream<Piece>.Continuation? {
        inputs.withLock { $0.removeValue(forKey: id) }
    }

    private func input(_ id: UInt64) -> AsyncStream<Piece>.Continuation {
        if let known = inputs.withLock({ $0[id] }) { return known }
        let (pieces, input) = AsyncStream.makeStream(of: Piece.self)
        inputs.withLock { $0[id] = input }
        let (intake, limit) = (intake.withLock { $0 }, limits.withLock { $0.removeValue(forKey: id) })
        Task(executorPreference: thread) { await self.work(id, pieces, intake, limit) }
        return input
    }

    private func work(
        _ id: UInt64, _ pieces: AsyncStream<Piece>, _ intake: (any EventIntake)?, _ limit: [String]?
    ) async {
        do throws(IntakeError) {
            guard let intake else { throw .stopping }
            let session = if let limit { try intake.begin(organizations: limit) } else { try intake.begin() }
            for await piece in pieces {
                switch piece {
                case .bytes(let bytes):
                    try await session.take(bytes.span)
                    reply(id, IntakeReply())
                case .end:
                    let report = try await session.finish()
                    _ = forget(id)
                    return reply(id, IntakeReply(report: report))
                }
            }
        } catch {
            _ = forget(id)
            reply(id, IntakeReply(error: error))
        }
    }
}
#endif
