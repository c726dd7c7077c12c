#if Server
import ConnlogAPI
import ConnlogConfig
import ConnlogCore
import Synchronization

/// Makes the list of who may ask. What asks others who people are is kept over a reload as long as its section is the
/// same, with what it has been told.
final class AccessMaker: Sendable {
    private enum Way: Sendable {
        case coder(CoderSignIn)
        case oidc(OIDCSignIn)
    }

    private struct Kept: Sendable {
        let section: Section
        let way: Way
    }

    private let kept = Mutex<[String: Kept]>([:])
    private let version: String
    private let log: LogFunction

    /// - Parameter log: gets what is wrong with the answers of others.
    init(version: String, log: @escaping LogFunction) {
        self.version = version
        self.log = log
    }

    /// - Parameter server: `nil` without `[server]`.
    func list(_ sections: [Section], _ server: Section?, _ refuse: (Diagnostic) -> Void) -> AccessList {
        var entries: [AccessList.Entry] = []
        var ways: (coders: [CoderSignIn], proxies: [ProxySignIn], issuers: [OIDCSignIn]) = ([], [], [])
        for section in sections {
            do throws(Diagnostic) {
                switch section.type {
                case "proxy": ways.proxies.append(try AccessSection.proxy(section))
                case "coder", "oidc":
                    switch try way(section) {
                    case .coder(let coder): ways.coders.append(coder)
                    case .oidc(let issuer): ways.issuers.append(issuer)
                    }
                default: entries.append(try AccessSection.entry(section))
                }
            } catch {
                refuse(error)
            }
        }
        var list = AccessList(entries)
        (list.coders, list.proxies, list.issuers) = ways
        list.revoked = sections.reduce(into: []) { $0.formUnion(AccessSection.names($1, "revoked")) }
        let names = Set(sections.compactMap(\.name))
        kept.withLock { kept in kept = kept.filter { names.contains($0.key) } }
        do throws(Diagnostic) { return try ServerSection.access(server, list) } catch { refuse(error) }
        return list
    }

    private func way(_ section: Section) throws(Diagnostic) -> Way {
        let name = section.name ?? ""
        if let kept = kept.withLock({ $0[name] }), section.changes(from: kept.section).isEmpty { return kept.way }
        let way: Way =
            section.type == "coder"
            ? .coder(try AccessSection.coder(section, version: version, log: log))
            : .oidc(try AccessSection.oidc(section, version: version, log: log))
        kept.withLock { $0[name] = Kept(section: section, way: way) }
        return way
    }
}
#endif
