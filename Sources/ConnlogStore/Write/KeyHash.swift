import ConnlogCore
import ConnlogSystem

/// Hashes of merge keys and ids that only this store can foretell, so that nobody makes events that collide.
struct KeyHash: Sendable, Hashable {
    private let seed: (UInt64, UInt64)

    /// - Parameter store: the store's own 16 bytes.
    init(_ store: [UInt8]) {
        func word(_ bytes: ArraySlice<UInt8>) -> UInt64 { bytes.reduce(0) { $0 << 8 | UInt64($1) } }
        seed = (word(store.prefix(8)), word(store.dropFirst(8).prefix(8)))
    }

    /// Of the same store.
    static func == (one: KeyHash, other: KeyHash) -> Bool { one.seed == other.seed }

    func hash(into hasher: inout Hasher) {
        hasher.combine(seed.0)
        hasher.combine(seed.1)
    }

    /// Of a connection id alone: it is what a filter asks for.
    func ofConnection(_ id: Identifier) -> Int64 { hash(id, 1) }

    /// Of a row's id.
    func ofRow(_ id: Identifier) -> Int64 { hash(id, 2) }

    /// Of the client session of a row.
    func ofSession(_ id: Identifier) -> Int64 { hash(id, 3) }

    /// Of the client session of a row that names a user.
    func ofNamedSession(_ id: Identifier) -> Int64 { hash(id, 4) }

    private func hash(_ id: Identifier, _ kind: UInt64) -> Int64 {
        var state = seed.0 ^ kind
        switch id {
        case .uuid(let high, let low):
            state = KeyHash.mixed(state ^ high)
            state = KeyHash.mixed(state &+ seed.1 ^ low)
        case .exact(let exact):
            for byte in exact.text.utf8 { state = KeyHash.mixed(state &+ seed.1 ^ UInt64(byte)) }
        }
        return Int64(bitPattern: state)
    }

    /// The finalizer of splitmix64.
    private static func mixed(_ value: UInt64) -> UInt64 {
        var bits = value &+ 0x9e37_79b9_7f4a_7c15
        bits = (bits ^ bits >> 30) &* 0xbf58_476d_1ce4_e5b9
        bits = (bits ^ bits >> 27) &* 0x94d0_49bb_1331_11eb
        return bits ^ bits >> 31
    }
}
