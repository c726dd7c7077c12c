package import ConnlogCore

/// Whether names or rows could be had from a Coder, for `connlog check --connect`: who the token is, and what it may see.
package struct CoderTrial: Sendable {
    package enum Purpose: String, Sendable {
        /// Of a `[directory]`.
        case names = "directory"
        /// Of a `[source]`.
        case rows = "source"
    }

    package let purpose: Purpose
    /// Of the section.
    package let name: String
    private let api: CoderAPI

    package init(_ purpose: Purpose, name: String, api: CoderAPI) {
        self.purpose = purpose
        self.name = name
        self.api = api
    }

    package func run() async -> [TrialFinding] {
        do throws(CoderTrouble) {
            let build = try await api.get("buildinfo", "version")
            let me = try await api.get("users/me", "the token's own user")
            let roles = (me["roles"]?.array ?? []).compactMap { $0["name"]?.string }
            let who = "\(me["username"]?.string ?? "?") (\(roles.isEmpty ? "no role" : roles.joined(separator: ", ")))"
            let found = purpose == .names ? try await people(who) : try await rows(who)
            return [
                .good(
                    "\(api.base) is Coder \(build["version"]?.string ?? "of an unknown version"), the token is of \(who)"
                )
            ] + found
        } catch {
            return [.failed("\(error)")]
        }
    }

    private func people(_ who: String) async throws(CoderTrouble) -> [TrialFinding] {
        guard let page = CoderPeople.page(try await api.get("users?limit=1", "users")),
            let organizations = CoderPeople.organizations(try await api.get("organizations", "organizations"))
        else { throw CoderTrouble(.strange, "\(api.base) answers the question for users with something else") }
        let found = Quantity.count(organizations.count, "organization")
        if page.count > 1 { return [.good("\(Quantity.count(page.count, "user")) and \(found) can be read")] }
        return [
            .doubtful(
                "\(who) sees no other user and \(found), so most ids would have no name; give it the role auditor "
                    + "('coder users edit-roles')")
        ]
    }

    private func rows(_ who: String) async throws(CoderTrouble) -> [TrialFinding] {
        let answer = try await api.get("connectionlog?limit=1", CoderTrouble.rows)
        guard let list = answer["connection_logs"]?.array else {
            throw CoderTrouble(.strange, "\(api.base) answers the question for connection logs with something else")
        }
        guard let first = list.first else {
            return [
                .doubtful(
                    "\(who) sees no connection; give it the role auditor ('coder users edit-roles'), unless nobody has "
                        + "connected yet")
            ]
        }
        do throws(CoderRow.Mistake) {
            let row = try CoderRow(first)
            return [.good("connections can be read; the newest began \(row.connect.text)")]
        } catch {
            throw CoderTrouble(.strange, "\(api.base) gives a connection that cannot be read: \(error.text)")
        }
    }
}
