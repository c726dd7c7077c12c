internal import ConnlogCore
internal import ConnlogSystem
private import Synchronization

/// Whose fault an internal server error is.
extension SplunkHECSink {
    /// Where the same events meet code 8 again and again, has them halved, and the last one given up if it fails once more
    /// after an event that Splunk took before was taken again. That one may be there twice then.
    func findCulprit(
        _ verdict: inout HECVerdict, _ target: Target, _ memory: HECRequestMemory
    ) async {
        switch verdict.outcome {
        case .delivered, .accepted:
            state.withLock { $0.suspects.succeeded(memory.fingerprint, memory.firstEnvelope) }
        case .retry(_, let reason) where verdict.code == 8:
            let isSuspect = state.withLock { $0.suspects.failed(memory.fingerprint) }
            guard isSuspect else { return }
            guard memory.events == 1 else {
                verdict.outcome = .rejected(at: nil, reason)
                return
            }
            guard await stillTakesEvents(target) else { return }
            // All may be well again since this one failed last.
            verdict = await exchange(target, memory)
            guard verdict.code == 8, case .retry = verdict.outcome else { return }
            let text = "\(reason) again and again, and took another event in between"
            verdict.outcome = .rejected(
                at: nil,
                Reason(reason.label, text, mayRepeat: true, code: reason.code, endpoint: reason.endpoint))
        default: break
        }
    }

    private func stillTakesEvents(_ target: Target) async -> Bool {
        let (known, compresses) = state.withLock { ($0.suspects.taken, $0.compresses) }
        guard let known else { return false }
        let memory = takeMemory()
        defer { state.withLock { $0.idleMemories.append(memory) } }
        memory.load(known, compressing: compresses)
        switch await exchange(target, memory).outcome {
        case .delivered: return true
        case .accepted(let receipt):
            // It was proven once; nobody waits for it now.
            let acknowledgements = acknowledgements
            Task { _ = await acknowledgements.outcome(of: receipt) }
            return true
        default: return false
        }
    }
}
