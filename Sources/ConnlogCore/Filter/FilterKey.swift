import ConnlogSystem

/// A key of the filter language: what stands before the `:`. A new term is a line here, what it asks of an event in
/// `QueryFilter.swift`, and what it asks of a row in `ConnlogStore/Read/PartitionQuery+Conditions.swift`.
struct FilterKey: Sendable {
    let name: String
    let isCoders: Bool
    /// In our dialect, `a,b` is one of the two.
    let isList: Bool
    let read: @Sendable (FilterValue) throws(FilterMistake) -> FilterCondition

    static func coders(
        _ name: String, isList: Bool = true,
        _ read: @escaping @Sendable (FilterValue) throws(FilterMistake) -> FilterCondition
    ) -> FilterKey {
        FilterKey(name: name, isCoders: true, isList: isList, read: read)
    }

    static func own(
        _ name: String, isList: Bool = true,
        _ read: @escaping @Sendable (FilterValue) throws(FilterMistake) -> FilterCondition
    ) -> FilterKey {
        FilterKey(name: name, isCoders: false, isList: isList, read: read)
    }

    /// Coder's first.
    static let all: [FilterKey] = [
        coders("type") { (value) throws(FilterMistake) in .type(try value.choice(except: [.other])) },
        coders("method") { (value) throws(FilterMistake) in .method(try value.choice(except: [.other])) },
        coders("status") { (value) throws(FilterMistake) in
            let ours = value.dialect == .coder ? FilterStatus.allCases.filter { !FilterStatus.coders.contains($0) } : []
            return .status(try value.choice(except: ours))
        },
        coders("app", isList: false) { (value) throws(FilterMistake) in value.apps },
        coders("organization") { (value) throws(FilterMistake) in
            value.match(.organization) { .organization(UUIDText.normalized($0) ?? $0) }
        },
        coders("workspace_owner") { (value) throws(FilterMistake) in
            value.match(.workspaceOwner) { .workspaceOwner($0) }
        },
        coders("workspace_owner_email") { (value) throws(FilterMistake) in
            value.match(.workspaceOwnerEmail) { .workspaceOwnerEmail($0) }
        },
        coders("username") { (value) throws(FilterMistake) in value.match(.username) { .username($0) } },
        coders("user_email") { (value) throws(FilterMistake) in value.match(.userEmail) { .userEmail($0) } },
        coders("connected_after", isList: false) { (value) throws(FilterMistake) in .connectedAfter(try value.time()) },
        coders("connected_before", isList: false) { (value) throws(FilterMistake) in .connectedBefore(try value.time())
        },
        coders("workspace_id") { (value) throws(FilterMistake) in .workspaceID(try value.uuid()) },
        coders("connection_id") { (value) throws(FilterMistake) in .connectionID(try value.uuid()) },
        own("person") { (value) throws(FilterMistake) in value.match(.person) { .person($0) } },
        own("workspace") { (value) throws(FilterMistake) in try value.workspace() },
        own("agent") { (value) throws(FilterMistake) in value.match(.agent) { .agent($0) } },
        own("user_id") { (value) throws(FilterMistake) in .userID(try value.uuid()) },
        own("owner_id") { (value) throws(FilterMistake) in .ownerID(try value.uuid()) },
        own("client_session_id") { (value) throws(FilterMistake) in
            .clientSessionID(UUIDText.normalized(value.text) ?? value.text)
        },
        own("event") { (value) throws(FilterMistake) in .event(try value.choice()) },
        own("code") { (value) throws(FilterMistake) in .code(try value.codes()) },
        own("duration", isList: false) { (value) throws(FilterMistake) in .duration(try value.duration()) },
        own("ip") { (value) throws(FilterMistake) in .address(try value.address()) },
        own("port") { (value) throws(FilterMistake) in .port(try value.ports()) },
        own("reason") { (value) throws(FilterMistake) in value.match(.reason) { .reason($0) } },
        own("during", isList: false) { (value) throws(FilterMistake) in .during(try value.moments()) },
        own("hour") { (value) throws(FilterMistake) in .hours(try value.hours()) },
        own("day", isList: false) { (value) throws(FilterMistake) in .weekdays(try value.weekdays()) },
        own("new", isList: false) { (value) throws(FilterMistake) in try value.new() },
    ]

    static let named = Dictionary(all.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })

    /// What a term asks for.
    /// - Parameter value: the whole of it, as a list may be.
    func condition(_ value: FilterValue) throws(FilterMistake) -> FilterCondition {
        guard isList, value.dialect == .connlog, !value.isQuoted else { return try read(value) }
        let elements = value.elements
        guard elements.count > 1 else { return try read(elements.first ?? value) }
        return .any(try elements.map { (element) throws(FilterMistake) in try read(element) })
    }
}
