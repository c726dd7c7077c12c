/// The names that go with ids, as far as a directory knows them.
///
/// Events carry ids alone. Names are joined when somebody asks, never written into records, so they are today's.
public protocol Names: Sendable {
    func user(_ id: String) -> UserName?
    func organization(_ id: String) -> OrganizationName?
    /// Ids of the users of this name, compared without case; deleted ones only on request.
    func userIDs(named username: String, evenDeleted: Bool) -> [String]
    /// Ids of the users with this address, compared without case; deleted ones only on request.
    func userIDs(withEmail email: String, evenDeleted: Bool) -> [String]
    /// Ids of the organizations of this name, compared without case.
    func organizationIDs(named name: String) -> [String]
    /// All users and organizations, for menus and completion.
    var users: [UserName] { get }
    var organizations: [OrganizationName] { get }
}

/// What a directory says of one user.
public struct UserName: Sendable, Equatable {
    /// A UUID in lower case.
    public var id: String
    public var username: String
    public var email: String
    /// The name for people; often empty.
    public var name: String
    public var isDeleted: Bool

    public init(id: String, username: String, email: String = "", name: String = "", isDeleted: Bool = false) {
        self.id = id
        self.username = username
        self.email = email
        self.name = name
        self.isDeleted = isDeleted
    }
}

/// What a directory says of one organization.
public struct OrganizationName: Sendable, Equatable {
    /// A UUID in lower case.
    public var id: String
    public var name: String
    public var displayName: String
    /// A path or URL of a picture; often empty.
    public var icon: String

    public init(id: String, name: String, displayName: String = "", icon: String = "") {
        self.id = id
        self.name = name
        self.displayName = displayName
        self.icon = icon
    }
}

/// No directory: nobody has a name.
public struct NoNames: Names {
    public init() {}
    public func user(_ id: String) -> UserName? { nil }
    public func organization(_ id: String) -> OrganizationName? { nil }
    public func userIDs(named username: String, evenDeleted: Bool) -> [String] { [] }
    public func userIDs(withEmail email: String, evenDeleted: Bool) -> [String] { [] }
    public func organizationIDs(named name: String) -> [String] { [] }
    public var users: [UserName] { [] }
    public var organizations: [OrganizationName] { [] }
}
