#if Server

/// What groups are here that somebody else says a person is in.
package struct GroupRoles: Sendable, Equatable {
    /// Of everybody whom the other vouches for; `nil`: groups decide.
    package var everyone: Role?
    package var auditors: Set<String>
    package var admins: Set<String>
    /// The only organizations that are shown, by id or name; empty: all.
    package var organizations: [String]
    /// User names, addresses and ids in lower case that are let in by no group.
    package var revoked: Set<String>

    package init(
        everyone: Role? = nil, auditors: Set<String> = [], admins: Set<String> = [], organizations: [String] = [],
        revoked: Set<String> = []
    ) {
        self.everyone = everyone
        self.auditors = auditors
        self.admins = admins
        self.organizations = organizations
        self.revoked = revoked
    }

    /// More groups than this of one person are not looked at.
    static let groupsMax = 1000

    /// - Parameters:
    ///   - name: what the person is called.
    ///   - others: what else it is known by.
    ///   - groups: as the other writes them; case counts.
    func verdict(_ name: String, _ others: [String], _ groups: [String]) -> Verdict {
        guard VouchedName.isName(name) else {
            return .refused(
                "This user's name has blanks, or signs that are not to be seen, or is too long to be shown.")
        }
        if VouchedName.isListed([name] + others, in: revoked) {
            return .refused("This user is shut out here: 'revoked' names it.")
        }
        let groups = groups.prefix(GroupRoles.groupsMax)
        let role: Role? =
            groups.contains(where: admins.contains)
            ? .admin : everyone == .admin ? .admin : groups.contains(where: auditors.contains) ? .auditor : everyone
        guard let role else { return .refused("No group that this user is in lets in here.") }
        return .person(
            AccessList.Entry(person: name, role, organizations: organizations, user: name, knownAs: others))
    }
}
#endif
