import ConnlogCoder
import ConnlogCore
import Synchronization

/// Our server's rows out of the JSON Lines of its export, as they come.
final class StoreLines: Sendable {
    private struct State {
        var rest: [UInt8] = []
        var rows: [ReconciledRow] = []
        var mistake: String?
        var isFull = false
    }

    private let state = Mutex(State())
    private let rowsMax: Int

    init(rowsMax: Int) { self.rowsMax = rowsMax }

    func take(_ bytes: [UInt8]) {
        state.withLock { state in
            state.rest += bytes
            var start = 0
            while let end = state.rest[start...].firstIndex(of: UInt8(ascii: "\n")) {
                StoreLines.take(Array(state.rest[start..<end]), rowsMax, &state)
                start = end + 1
            }
            state.rest.removeFirst(start)
        }
    }

    /// No more will come.
    func finish() -> (rows: [ReconciledRow], mistake: String?, isFull: Bool) {
        state.withLock { state in
            if !state.rest.isEmpty { StoreLines.take(state.rest, rowsMax, &state) }
            state.rest = []
            return (state.rows, state.mistake, state.isFull)
        }
    }

    private static func take(_ line: [UInt8], _ rowsMax: Int, _ state: inout State) {
        guard !line.isEmpty, !state.isFull else { return }
        guard state.rows.count < rowsMax else {
            state.isFull = true
            return
        }
        do {
            state.rows.append(ReconciledRow(try CoderRow(try JSONValue(reading: line))))
        } catch let mistake as CoderRow.Mistake {
            state.mistake = mistake.text
        } catch {
            state.mistake = "\(error)"
        }
    }
}
