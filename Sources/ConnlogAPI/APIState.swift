#if Server
package import ConnlogCore
package import ConnlogStore
import Synchronization

/// What the server answers from. A reload changes it while requests are under way; each sees one or the other.
package struct APIParts: Sendable {
    package var access: AccessList
    package var store: StoreHolder?
    package var names: any Names
    /// Takes events that are handed in; `nil` without a source of type `ingest`.
    package var intake: (any EventIntake)?
    /// Gets who asked and exported what; `nil`: nobody keeps it.
    package var audit: AuditLog?
    /// What people keep; `nil`: nothing is kept.
    package var views: ViewFiles?
    /// How long a list in our dialect may look for rows and count them before it says how far it has come.
    package var lookLimit: Duration
    /// How long looking for reasons may take where nothing was found.
    package var reasonsLimit = Duration.seconds(2)
    /// How connlog is now. Throws when the forwarder, which knows, does not say.
    package var overview: @Sendable () async throws -> Overview

    package init(
        access: AccessList = AccessList(), store: StoreHolder? = nil, names: any Names = NoNames(),
        intake: (any EventIntake)? = nil, audit: AuditLog? = nil, views: ViewFiles? = nil,
        lookLimit: Duration = .milliseconds(150),
        overview: @escaping @Sendable () async throws -> Overview = { Overview() }
    ) {
        self.access = access
        self.store = store
        self.names = names
        self.intake = intake
        self.audit = audit
        self.views = views
        self.lookLimit = lookLimit
        self.overview = overview
    }
}

/// The parts of the moment.
package final class APIState: Sendable {
    private let current: Mutex<APIParts>
    /// Rings when somebody's rights may have changed.
    let bell = Bell()
    let openAudits = OpenAudits()
    /// The page's.
    let sessions = Sessions()

    package init(_ parts: APIParts) { current = Mutex(parts) }

    package var parts: APIParts { current.withLock { $0 } }

    /// connlog is about to stop: who asks now, and goes on, is told as it is.
    package func tellOpenAudits() { openAudits.endAll() }

    package func update(_ change: (inout APIParts) -> Void) {
        let access = current.withLock { parts in
            change(&parts)
            return parts.access
        }
        sessions.keep(access.knows)
        bell.ring()
    }
}
#endif
