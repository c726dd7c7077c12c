import ConnlogCore
import ConnlogQueue
import ConnlogSystem

/// Moving the sink's offset.
extension Delivery {
    /// Commits when it is time and the sink is between two batches, so that what it says is about the frontier.
    func commitIfDue() async {
        guard isCommitDue else { return }
        guard limits.commitInterval == .zero || window.sending == 0 else { return }
        await commit()
    }

    /// First the sink makes sure of what it has, then the offset moves.
    func commit() async {
        isCommitDue = false
        guard frontier > committed else { return }
        let offset = frontier
        do throws(SinkError) {
            let state = try await sink.commitPoint()
            try store(offset, state)
            committed = offset
            committedState = state
            update { $0.committed = offset }
            await sink.committed()
        } catch {
            await startAgain(error.reason)
        }
    }

    private func store(_ offset: UInt64, _ state: [UInt8]) throws(SinkError) {
        do throws(QueueError) {
            try queue.commit(name, offset: offset, state: state)
        } catch {
            throw SinkError(Reason("commit_failed", "the offset cannot be written, trying again: \(error)"))
        }
    }

    /// What the sink has since the last commit is in doubt: back to that commit, and from there again.
    private func startAgain(_ reason: Reason) async {
        // Outcomes that still come for these are not looked at.
        window.removeAll()
        toProve = []
        gathering = nil
        update { $0.unproven = 0 }
        reader.seek(to: committed)
        frontier = committed
        pause(.retry(atLeast: nil), reason)
        do throws(SinkError) {
            try await sink.open(committedState.isEmpty ? nil : committedState)
        } catch {
            pause(.retry(atLeast: nil), error.reason)
        }
    }
}
