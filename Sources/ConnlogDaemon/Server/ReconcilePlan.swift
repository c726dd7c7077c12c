#if Server
import ConnlogConfig
import ConnlogCore
import ConnlogPipeline
import ConnlogTools

/// What `[store] reconcile_every` asks for.
struct ReconcilePlan: Sendable {
    let every: Duration
    /// Says which Coder is asked, and how.
    let coder: Section
    /// Where the store is asked.
    let socket: String

    /// - Returns: `nil` when nothing is to be compared.
    init?(_ section: Section, _ configuration: Configuration) throws(Diagnostic) {
        let name = section.optionalString("reconcile_coder")
        guard let every = section.optionalDuration("reconcile_every") else {
            guard name == nil else { throw section.error("reconcile_coder", "does nothing without reconcile_every") }
            return nil
        }
        self.every = every
        guard let address = ServerAddress(configuration) else {
            throw section.error("reconcile_every", "needs a [server], by way of which the store is read; add one")
        }
        socket = address.localSocket
        do throws(ToolError) {
            coder = try Reconciliation.section(
                Registry.connlog.coders(of: configuration), named: name, in: configuration.path)
        } catch {
            throw section.error(name == nil ? "reconcile_every" : "reconcile_coder", "cannot be done: \(error)")
        }
    }

    /// Whether what is under way goes on.
    func isSame(as other: ReconcilePlan) -> Bool {
        every == other.every && socket == other.socket && coder.heading == other.coder.heading
            && coder.changes(from: other.coder).isEmpty
    }
}
#endif
