package import ConnlogCore

/// What Coder's API says of users and organizations, read from its answers.
///
/// Who may write these texts: users choose their names, administrators those of organizations. They are texts in here
/// and wherever they are shown.
package enum CoderPeople {
    /// A page of `GET /api/v2/users`.
    package struct Page: Sendable {
        package var users: [UserName] = []
        /// How many there are from here on, as Coder counts.
        package var count = 0
        /// When the newest of these was made, as Coder writes it.
        package var newest: String?
    }

    /// Owns workspaces that nobody has claimed yet; no list names it.
    package static let prebuilds = UserName(
        id: "c42fdf75-3097-471c-8c33-fb52454d81c0", username: "prebuilds", email: "prebuilds@system")

    package static func page(_ answer: JSONValue) -> Page? {
        guard let list = answer["users"]?.array else { return nil }
        var page = Page()
        for entry in list {
            guard let user = user(entry, id: "id") else { return nil }
            page.users.append(user)
            if let made = entry["created_at"]?.string { page.newest = max(page.newest ?? made, made) }
        }
        page.count = Int(clamping: answer["count"]?.integer ?? Int64(page.users.count))
        return page
    }

    /// - Parameter id: its name there: members of an organization have `user_id`.
    package static func user(_ entry: JSONValue, id: String) -> UserName? {
        guard let id = entry[id]?.string.flatMap(UUIDText.normalized), let name = entry["username"]?.string else {
            return nil
        }
        return UserName(
            id: id, username: name, email: entry["email"]?.string ?? "", name: entry["name"]?.string ?? "")
    }

    package static func organizations(_ answer: JSONValue) -> [OrganizationName]? {
        guard let list = answer.array else { return nil }
        var found: [OrganizationName] = []
        for entry in list {
            guard let id = entry["id"]?.string.flatMap(UUIDText.normalized), let name = entry["name"]?.string else {
                return nil
            }
            found.append(
                OrganizationName(
                    id: id, name: name, displayName: entry["display_name"]?.string ?? "",
                    icon: entry["icon"]?.string ?? ""))
        }
        return found
    }

    package static func members(_ answer: JSONValue) -> [UserName]? {
        guard let list = answer.array else { return nil }
        return list.compactMap { user($0, id: "user_id") }
    }
}
