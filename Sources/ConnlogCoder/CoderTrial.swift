package import ConnlogCore

/// Whether names could be had from a Coder, for `connlog check --connect`: who the token is, and what it may see.
package struct CoderTrial: Sendable {
    /// Of the `[directory]`.
    package let name: String
    private let api: CoderAPI

    package init(name: String, api: CoderAPI) {
        self.name = name
        self.api = api
    }

    package func run() async -> [TrialFinding] {
        do throws(CoderTrouble) {
            let build = try await api.get("buildinfo", "version")
            let me = try await api.get("users/me", "the token's own user")
            let roles = (me["roles"]?.array ?? []).compactMap { $0["name"]?.string }
            let who = "\(me["username"]?.string ?? "?") (\(roles.isEmpty ? "no role" : roles.joined(separator: ", ")))"
            return [
                .good(
                    "\(api.base) is Coder \(build["version"]?.string ?? "of an unknown version"), the token is of \(who)"
                )
            ] + (try await people(who))
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
}
