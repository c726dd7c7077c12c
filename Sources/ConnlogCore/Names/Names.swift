/// The names that go with ids, as far as a directory knows them.
///
/// Events carry ids alone. Names are joined when somebody asks, never written into records, so they are today's.
public protocol Names: Sendable {
    /// The user of an id, in lower or upper case; `nil` for one that is not known.
    func user(_ id: String) -> UserName?
    /// The organization of an id; `nil` for one that is not known.
    func organization(_ id: String) -> OrganizationName?
    /// Ids of the users of this name, compared without case; deleted ones only on request.
    func userIDs(named username: String, evenDeleted: Bool) -> [String]
    /// Ids of the users with this address, compared without case; deleted ones only on request.
    func userIDs(withEmail email: String, evenDeleted: Bool) -> [String]
    /// Ids of the organizations of this name, compared without case.
    func organizationIDs(named name: String) -> [String]
    /// All users, for menus and completion.
    var users: [UserName] { get }
    /// All organizations, for menus and completion.
    var organizations: [OrganizationName] { get }
}

/// What a directory says of one user.
public struct UserName: Sendable, Equatable {
    /// A UUID in lower case.
    public var id: String
    /// The login name.
    public var username: String
    /// Empty where it is not known.
    public var email: String
    /// The name for people; often empty.
    public var name: String
    /// Whether the account is gone.
    public var isDeleted: Bool

    /// A user; what is not known is empty.
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
    /// The name in URLs.
    public var name: String
    /// Empty where there is none.
    public var displayName: String
    /// A path or URL of a picture; often empty.
    public var icon: String

    /// An organization; what is not known is empty.
    public init(id: String, name: String, displayName: String = "", icon: String = "") {
        self.id = id
        self.name = name
        self.displayName = displayName
        self.icon = icon
    }
}

/// No directory: nobody has a name.
public struct NoNames: Names {
    /// No names at all.
    public init() {}
    /// The user of an id.
    public func user(_ id: String) -> UserName? { nil }
    /// The organization of an id.
    public func organization(_ id: String) -> OrganizationName? { nil }
    /// Ids of the users of this name, compared without case; deleted ones only on request.
    public func userIDs(named username: String, evenDeleted: Bool) -> [String] { [] }
    /// Ids of the users with this address, compared without case; deleted ones only on request.
    public func userIDs(withEmail email: String, evenDeleted: Bool) -> [String] { [] }
    /// Ids of the organizations of this name, compared without case.
    public func organizationIDs(named name: String) -> [String] { [] }
    /// Every user known, by username.
    public var users: [UserName] { [] }
    /// Every organization known, by name.
    public var organizations: [OrganizationName] { [] }
}
