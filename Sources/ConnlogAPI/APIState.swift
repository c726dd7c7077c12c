#if Server
public import ConnlogCore
public import ConnlogStore
import Synchronization

/// What the server answers from. A reload changes it while requests are under way; each sees one or the other.
public struct APIParts: Sendable {
    public var access: AccessList
    public var store: StoreHolder?
    public var names: any Names
    /// Takes events that are handed in; `nil` without a source of type `ingest`.
    public var intake: (any EventIntake)?
    /// How connlog is now. Throws when the forwarder, which knows, does not say.
    public var overview: @Sendable () async throws -> Overview

    public init(
        access: AccessList = AccessList(), store: StoreHolder? = nil, names: any Names = NoNames(),
        intake: (any EventIntake)? = nil, overview: @escaping @Sendable () async throws -> Overview = { Overview() }
    ) {
        self.access = access
        self.store = store
        self.names = names
        self.intake = intake
        self.overview = overview
    }
}

/// The parts of the moment.
public final class APIState: Sendable {
    private let current: Mutex<APIParts>
    /// Rings when somebody's rights may have changed.
    let bell = Bell()

    public init(_ parts: APIParts) { current = Mutex(parts) }

    public var parts: APIParts { current.withLock { $0 } }

    public func update(_ change: (inout APIParts) -> Void) {
        current.withLock { change(&$0) }
        bell.ring()
    }
}
#endif
