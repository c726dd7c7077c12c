#if Server
import ConnlogStore
import Crypto

/// The store's numbers as somebody sees them who may see some organizations only.
///
/// Rows and events are numbered one by one over all organizations, so that two numbers, some time apart, would tell how
/// many connections the others have made. Such a caller gets each number as another one of 52 bits, which only this store
/// can tell: the same each time, so that lists and watches go on where they were, also after a restart. 0 stays 0, which
/// stands before all of them. As whole numbers of 52 bits they are exact in JavaScript too.
struct NumberSeal: Sendable {
    private static let half: UInt64 = (1 << 26) - 1
    private static let rounds: ClosedRange<UInt8> = 0...7
    private let key: SymmetricKey

    /// - Parameter store: what only this store has.
    init(_ store: [UInt8]) { key = SymmetricKey(data: SHA256.hash(data: Array("connlog number seal 1".utf8) + store)) }

    func seal(_ number: Int64) -> Int64 { walked(number, NumberSeal.rounds.map { $0 }, isSealing: true) }

    /// The number that was sealed as this one; for what was never sealed, some other number.
    func open(_ sealed: Int64) -> Int64 { walked(sealed, NumberSeal.rounds.reversed(), isSealing: false) }

    func seal(_ position: RowPosition) -> RowPosition { position.renumbered(seal) }

    func open(_ position: RowPosition) -> RowPosition { position.renumbered(open) }

    /// Goes on until it is a number other than 0, which only 0 becomes.
    private func walked(_ number: Int64, _ rounds: [UInt8], isSealing: Bool) -> Int64 {
        guard (1..<1 << 52).contains(number) else { return number }
        var value = UInt64(number)
        repeat { value = crossed(value, rounds, isSealing: isSealing) } while value == 0
        return Int64(value)
    }

    /// A Feistel network of two halves of 26 bits.
    private func crossed(_ value: UInt64, _ rounds: [UInt8], isSealing: Bool) -> UInt64 {
        var (left, right) = (value >> 26, value & NumberSeal.half)
        for round in rounds {
            if isSealing {
                (left, right) = (right, left ^ mixed(right, round))
            } else {
                (left, right) = (right ^ mixed(left, round), left)
            }
        }
        return left << 26 | right
    }

    private func mixed(_ half: UInt64, _ round: UInt8) -> UInt64 {
        let bytes = [round] + (0..<4).map { UInt8(truncatingIfNeeded: half >> ($0 * 8)) }
        let code = HMAC<SHA256>.authenticationCode(for: bytes, using: key)
        return code.prefix(4).reduce(0) { $0 << 8 | UInt64($1) } & NumberSeal.half
    }
}
#endif
