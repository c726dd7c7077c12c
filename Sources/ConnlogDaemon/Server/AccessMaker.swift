#if Server
import ConnlogAPI
import ConnlogConfig
import ConnlogCore
import Synchronization

/// Makes the list of who may ask. What asks others who people are is kept over a reload as long as its section is the
/// same, with what it has been told.
final class AccessMaker: Sendable {
    private struct Kept: Sendable {
        let section: Section
        let member: AccessKind.Member
    }

    private let kept = Mutex<[String: Kept]>([:])
    private let context: AccessKind.Context

    /// - Parameter log: gets what is wrong with the answers of others.
    init(version: String, log: @escaping LogFunction) { context = AccessKind.Context(version: version, log: log) }

    /// - Parameter server: `nil` without `[server]`.
    func list(_ sections: [Section], _ server: Section?, _ refuse: (Diagnostic) -> Void) -> AccessList {
        var list = AccessList()
        for section in sections {
            guard let kind = AccessSection.kinds.first(where: { $0.schema.type == section.type }) else { continue }
            do throws(Diagnostic) { list.add(try member(section, kind)) } catch { refuse(error) }
        }
        // Whoever is shut out by one section comes in by no other.
        list.revoked = sections.reduce(into: []) { $0.formUnion(AccessSection.names($1, "revoked")) }
        let names = Set(sections.compactMap(\.name))
        kept.withLock { kept in kept = kept.filter { names.contains($0.key) } }
        do throws(Diagnostic) { return try ServerSection.access(server, list) } catch { refuse(error) }
        return list
    }

    private func member(_ section: Section, _ kind: AccessKind) throws(Diagnostic) -> AccessKind.Member {
        guard kind.isKept, let name = section.name else { return try kind.make(section, context) }
        if let kept = kept.withLock({ $0[name] }), section.changes(from: kept.section).isEmpty { return kept.member }
        let member = try kind.make(section, context)
        kept.withLock { $0[name] = Kept(section: section, member: member) }
        return member
    }
}
#endif
