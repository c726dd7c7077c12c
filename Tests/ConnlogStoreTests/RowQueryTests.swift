import ConnlogCore
import ConnlogStore
import Testing

/// What somebody asks for, with names made ids.
@Suite struct RowQueryTests {
    private struct People: Names {
        let users = [
            UserName(id: "a", username: "alice", email: "a@b.c"),
            UserName(id: "z", username: "alice", email: "a@b.c", isDeleted: true),
        ]
        let organizations = [OrganizationName(id: "o", name: "coder")]
        func user(_ id: String) -> UserName? { users.first { $0.id == id } }
        func organization(_ id: String) -> OrganizationName? { organizations.first { $0.id == id } }
        func userIDs(named username: String, evenDeleted: Bool) -> [String] {
            users.filter { $0.username == username && (evenDeleted || !$0.isDeleted) }.map(\.id)
        }
        func userIDs(withEmail email: String, evenDeleted: Bool) -> [String] {
            users.filter { $0.email == email && (evenDeleted || !$0.isDeleted) }.map(\.id)
        }
        func organizationIDs(named name: String) -> [String] { name == "coder" ? ["o"] : [] }
    }

    /// The conditions in words.
    private func conditions(_ text: String, caller: String? = nil, organization: String? = nil) throws -> [String] {
        let query = try FilterQuery(text, dialect: .connlog, now: 0)
        return RowQuery(query, names: People(), caller: caller, organization: organization).terms.map { term in
            let words =
                switch term.condition {
                case .row(let condition): "\(condition)"
                case .organizations(let ids): "organizations \(ids)"
                case .owners(let ids): "owners \(ids)"
                case .users(let ids): "users \(ids)"
                }
            return (term.isNegated ? "not " : "") + words
        }
    }

    @Test func `names become the ids of those who are not deleted`() throws {
        #expect(try conditions("username:alice -workspace_owner:ALICE") == ["users [\"a\"]", "not owners [\"a\"]"])
        #expect(try conditions("workspace_owner_email:a@b.c") == ["owners [\"a\"]"])
        #expect(try conditions("organization:coder") == ["organizations [\"o\"]"])
    }

    @Test func `the email of a user finds deleted ones too, as Coder's does`() throws {
        #expect(try conditions("user_email:a@b.c") == ["users [\"a\", \"z\"]"])
    }

    @Test func `a name that nobody has matches nothing`() throws {
        #expect(
            try conditions("username:bob organization:other workspace_owner:x") == [
                "users []", "organizations []", "owners []",
            ])
    }

    @Test func `me is the caller, and nobody's rows without one`() throws {
        #expect(try conditions("username:me workspace_owner:me", caller: "a") == ["users [\"a\"]", "owners [\"a\"]"])
        #expect(try conditions("username:me") == ["users []"])
    }

    @Test func `a caller of one organization gets no other's rows, whatever the query says`() throws {
        #expect(
            try conditions("organization:coder type:ssh", organization: "p") == [
                "organizations [\"o\"]", "\(FilterCondition.type(.ssh))", "organizations [\"p\"]",
            ])
    }
}
