#if Server
import HTTPTypes
import Synchronization

/// How many answers may be under way at once: for one token, for one address, and in all.
final class Budget: Sendable {
    private struct State {
        var all = 0
        var ofHolder: [String: Int] = [:]
        var ofAddress: [String: Int] = [:]
    }

    /// In words: `questions`.
    let name: String
    private let allMax: Int
    private let state = Mutex(State())

    /// - Parameter allMax: one token may have a quarter of them, one address half.
    init(_ name: String, _ allMax: Int) {
        self.name = name
        self.allMax = allMax
    }

    private var ofHolderMax: Int { max(1, allMax / 4) }
    private var ofAddressMax: Int { max(1, allMax / 2) }

    /// A place for one more, given back when the ticket is.
    func take(_ holder: String, _ address: String) throws(APIError) -> Ticket {
        let full = state.withLock { state -> String? in
            if state.ofHolder[holder, default: 0] >= ofHolderMax { return "of this token" }
            if !address.isEmpty, state.ofAddress[address, default: 0] >= ofAddressMax { return "from this address" }
            if state.all >= allMax { return "in all" }
            state.all += 1
            state.ofHolder[holder, default: 0] += 1
            state.ofAddress[address, default: 0] += 1
            return nil
        }
        if let full {
            throw APIError(
                status: .tooManyRequests, message: "Too many \(name) at once, \(full).",
                detail: "Wait for the answers of those under way, or stop asking for some.", headers: [.retryAfter: "1"]
            )
        }
        return Ticket(self, holder, address)
    }

    fileprivate func give(_ holder: String, _ address: String) {
        state.withLock { state in
            state.all -= 1
            Budget.lower(&state.ofHolder, holder)
            Budget.lower(&state.ofAddress, address)
        }
    }

    private static func lower(_ counts: inout [String: Int], _ key: String) {
        guard let count = counts[key] else { return }
        counts[key] = count > 1 ? count - 1 : nil
    }

    var underWay: Int { state.withLock { $0.all } }

    /// Held while an answer is under way. An answer that is never written drops it.
    final class Ticket: Sendable {
        private let budget: Budget
        private let holder: String
        private let address: String

        fileprivate init(_ budget: Budget, _ holder: String, _ address: String) {
            self.budget = budget
            self.holder = holder
            self.address = address
        }

        deinit { budget.give(holder, address) }
    }
}

/// How many rows or events make a page of some bytes, learned from those before.
struct PageSize: Sendable {
    /// So slow readers cost little memory each.
    static let bytes = 256 << 10
    private static let most = 1000
    private(set) var count = 64

    mutating func learn(count read: Int, bytes: Int) {
        guard read > 0 else { return }
        count = min(max(PageSize.bytes / max(1, bytes / read), 1), PageSize.most)
    }
}
#endif
