package import ConnlogCore

/// Who a session token is of, as Coder says.
///
/// Who may write these texts: users choose their names, administrators give roles and name custom ones.
package struct CoderPerson: Sendable, Equatable {
    /// A UUID in lower case.
    package let id: String
    package let username: String
    /// Empty where Coder tells none.
    package let email: String
    /// `active`, `dormant` or `suspended`.
    package let status: String
    /// Of the whole deployment.
    package let roles: [String]
    /// By the organization's id.
    package private(set) var rolesInOrganizations: [String: [String]]

    /// - Parameter me: the answer to `GET /api/v2/users/me`; `nil` for one that is something else.
    package init?(_ me: JSONValue) {
        guard let id = me["id"]?.string.flatMap(UUIDText.normalized), let name = me["username"]?.string,
            // Coder itself refuses the token of whoever is suspended.
            let status = me["status"] == nil ? "active" : me["status"]?.string,
            let list = me["roles"] == nil ? [] : me["roles"]?.array
        else { return nil }
        self.id = id
        username = name
        email = me["email"]?.string ?? ""
        self.status = status
        var (roles, inOrganizations): ([String], [String: [String]]) = ([], [:])
        for role in list {
            guard let name = role["name"]?.string else { return nil }
            // A role that says where it is good is good nowhere else, whatever stands there.
            guard let place = role["organization_id"]?.string, !place.isEmpty else {
                roles.append(name)
                continue
            }
            guard let organization = UUIDText.normalized(place) else { return nil }
            if organization == CoderPerson.everywhere {
                roles.append(name)
            } else {
                inOrganizations[organization, default: []].append(name)
            }
        }
        self.roles = roles
        rolesInOrganizations = inOrganizations
    }

    /// How an older Coder writes that a role belongs to no organization.
    private static let everywhere = "00000000-0000-0000-0000-000000000000"

    /// Adds what `GET /api/v2/users/me/roles` says: roles by organization, which most versions leave out of the user.
    fileprivate mutating func add(_ answer: JSONValue) {
        guard case .object(let members)? = answer["organization_roles"] else { return }
        for member in members {
            guard let organization = UUIDText.normalized(member.key) else { continue }
            for role in member.value.array ?? [] {
                guard let name = role.string ?? role["name"]?.string else { continue }
                rolesInOrganizations[organization, default: []].append(name)
            }
        }
    }
}

extension CoderAPI {
    /// Asks whose token it is.
    /// - Parameters:
    ///   - token: somebody else's.
    ///   - isEnough: whether what the roles of the whole deployment say is enough; else those of organizations are asked
    ///     for too.
    /// - Throws: `CoderTrouble` of the kind `token` where Coder does not take it.
    package func person(
        token: String, isEnough: @Sendable (CoderPerson) -> Bool
    ) async throws(CoderTrouble) -> CoderPerson {
        guard var person = CoderPerson(try await get("users/me", "the token's own user", as: token)) else {
            throw CoderTrouble(.strange, "\(base) answers the question whose token it is with something else")
        }
        if isEnough(person) { return person }
        do throws(CoderTrouble) {
            person.add(try await get("users/me/roles", "roles", as: token))
        } catch {
            // A Coder that has no such route says all it knows with the user.
            guard [.notFound, .forbidden, .refused].contains(error.kind) else { throw error }
        }
        return person
    }

    /// Whether Coder says that the token is good for less than its user may do.
    ///
    /// Only what is sure counts: the key says so itself, or Coder does not show it its own key, which every whole token
    /// may see.
    package func isNarrow(token: String) async throws(CoderTrouble) -> Bool {
        let id = token.prefix { $0 != "-" }
        let key: JSONValue
        do throws(CoderTrouble) {
            key = try await get("users/me/keys/\(id)", "the token's own key", as: token)
        } catch {
            if error.kind == .notFound, error.description.contains("you do not have access") { return true }
            if [.notFound, .refused].contains(error.kind) { return false }
            if error.kind == .forbidden { return true }
            throw error
        }
        var scopes = (key["scopes"]?.array ?? []).compactMap(\.string)
        if scopes.isEmpty, let scope = key["scope"]?.string { scopes = [scope] }
        return !scopes.isEmpty && !scopes.contains { ["all", "coder:all"].contains($0) }
    }
}

extension CoderTrouble {
    /// Coder knows the user and has locked it out.
    package var isOfSuspended: Bool { kind == .token && description.contains("User is not active") }
}
