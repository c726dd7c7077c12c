public import ConnlogSystem

/// A query applied to events on their way to a sink.
///
/// An event knows ids but no names, and it is one report, not a whole session. So conditions on the names of users,
/// owners and organizations, and on how long a connection lasted, cannot be decided here: `undecidable` tells which
/// terms of a query these are. `status` and the times are those of the event. A time before now moves with the clock.
public struct QueryFilter: EventFilter {
    private var terms: [FilterTerm]
    private let isMoving: Bool
    private let now: @Sendable () -> Nanoseconds
    private var scanner = EventScanner()
    private var fields = EventFields()

    /// - Parameters:
    ///   - query: what is kept. What only a store could decide keeps nothing.
    ///   - now: the clock that times before now, such as `-24h`, move with.
    public init(_ query: FilterQuery, now: @escaping @Sendable () -> Nanoseconds = { SystemWallTime().now() }) {
        terms = query.terms
        isMoving = query.isMoving
        self.now = now
    }

    /// Takes times before now as of this moment; once for each batch.
    private mutating func move() {
        guard isMoving else { return }
        let now = now()
        for index in terms.indices { terms[index].condition = terms[index].condition(now: now) }
    }

    /// Terms that need what events do not carry, with the reason and the way out.
    package static func undecidable(_ query: FilterQuery) -> [(term: FilterTerm, why: String)] {
        query.terms.compactMap { term in why(term.condition).map { (term, $0) } }
    }

    /// Why events alone cannot decide a condition; `nil` when they can.
    private static func why(_ condition: FilterCondition) -> String? {
        switch condition {
        case .workspaceOwner, .workspaceOwnerEmail, .username, .userEmail, .like(.workspaceOwner, _),
            .like(.workspaceOwnerEmail, _), .like(.username, _), .like(.userEmail, _):
            "needs names, and events carry only ids; use user_id: or owner_id:"
        case .person, .like(.person, _):
            "needs the store, which infers who somebody was; use user_id:, which finds what events name"
        case .organization(let name) where UUIDText.normalized(name) == nil: needsOrganization
        case .like(.organization, _): needsOrganization
        case .duration:
            "needs a whole connection, and an event is only its beginning or its end; leave it out"
        case .during:
            "needs a whole connection, and an event is only its beginning or its end; use connected_after: and "
                + "connected_before:"
        case .status(.open), .status(.unconfirmed), .status(.lost), .status(.startUnknown):
            "needs the store, which knows how connections went on; use event:connected or event:disconnected"
        case .newAddress: "needs the store, which knows what was seen before; leave it out"
        case .any(let conditions), .all(let conditions): conditions.compactMap(why).first
        default: nil
        }
    }

    private static let needsOrganization = "needs names, and events carry only ids; write the organization's id"

    /// Keeps what matches: see `EventFilter.apply(to:)`.
    public mutating func apply(to batch: inout EventBatch) -> [Int]? {
        if terms.isEmpty { return nil }
        move()
        var kept: [Int] = []
        kept.reserveCapacity(batch.count)
        for index in 0..<batch.count where matches(batch, index) { kept.append(index) }
        if kept.count == batch.count { return nil }
        var next = 0
        batch.filter { index, _ in
            guard next < kept.count, kept[next] == index else { return false }
            next += 1
            return true
        }
        return kept
    }

    private mutating func matches(_ batch: borrowing EventBatch, _ index: Int) -> Bool {
        guard batch.hasNote(index) else { return matches(batch.record(index)) }
        return matches(batch.record(index), EventIndex(batch.note(index)))
    }

    /// Whether all terms hold for one event.
    package mutating func matches(_ record: Span<UInt8>) -> Bool {
        move()
        _ = scanner.scan(record, into: &fields)
        return matches(record, fields.index)
    }

    private func matches(_ record: Span<UInt8>, _ index: EventIndex) -> Bool {
        for term in terms where index.satisfies(term.condition, record) == term.isNegated { return false }
        return true
    }
}

extension EventIndex {
    package func satisfies(_ condition: FilterCondition, _ record: Span<UInt8>) -> Bool {
        switch condition {
        case .type(let type): connectionType(in: record) == type
        case .method(let method): connectionMethod(in: record) == method
        case .app(let names): app(in: record).map { names.contains(AppName.normalized(text($0, record))) } ?? false
        case .organization(let id): equals(.organizationID, id, record)
        case .workspaceID(let id): equals(.workspaceID, id, record)
        case .connectionID(let id): equals(.connectionID, id, record)
        case .userID(let id): equals(.userID, id, record)
        case .ownerID(let id): equals(.workspaceOwnerID, id, record)
        case .workspace(let name): equals(.workspaceName, name, record)
        case .agent(let name): equals(.agentName, name, record)
        case .connectedAfter(let bound): time(in: record).map { $0 >= bound } ?? false
        case .connectedBefore(let bound): time(in: record).map { $0 <= bound } ?? false
        case .event(let status): self.status(in: record) == status
        case .status(let status): satisfies(status, record)
        case .code(let range): code(in: record).map { range.contains($0) } ?? false
        case .address(let block): value(.ip, in: record).map { block.contains(Array(text($0, record).utf8)) } ?? false
        case .text(let part): holds(part, record)
        case .clientSessionID(let id):
            value(.clientSessionID, in: record).map { range in
                let text = text(range, record).lowercased()
                return (UUIDText.normalized(text) ?? text) == id
            } ?? false
        case .port(let ports): port(in: record).flatMap { Int(text($0, record)) }.map(ports.contains) ?? false
        case .hours(let hours): time(in: record).map { hours.contains($0) } ?? false
        case .weekdays(let days): time(in: record).map { days.contains($0) } ?? false
        case .reason(let part): folded(.disconnectReason, record)?.contains(part) ?? false
        case .like(let field, let pattern): folded(field, record).map { pattern.matches($0) } ?? false
        // Of a whole connection this would be more: an event is one moment of it.
        case .during(let moments): time(in: record).map { moments.contains($0) } ?? false
        case .any(let conditions): conditions.contains { satisfies($0, record) }
        case .all(let conditions): conditions.allSatisfy { satisfies($0, record) }
        case .workspaceOwner, .workspaceOwnerEmail, .username, .userEmail, .person, .duration, .newAddress: false
        }
    }

    private func folded(_ field: Field, _ record: Span<UInt8>) -> String? {
        value(field, in: record).map { text($0, record).lowercased() }
    }

    private func folded(_ field: FilterText, _ record: Span<UInt8>) -> String? {
        switch field {
        case .workspace: folded(.workspaceName, record)
        case .agent: folded(.agentName, record)
        case .reason: folded(.disconnectReason, record)
        case .app: app(in: record).map { AppName.normalized(text($0, record)) }
        case .organization, .workspaceOwner, .workspaceOwnerEmail, .username, .userEmail, .person: nil
        }
    }

    /// Whether a word without a key is part of what people may have in mind.
    private func holds(_ part: String, _ record: Span<UInt8>) -> Bool {
        let plain = [Field.workspaceName, .agentName, .userAgent, .disconnectReason, .ip].contains { field in
            value(field, in: record).map { text($0, record).lowercased().contains(part) } ?? false
        }
        return plain || slugOrPort(in: record).map { text($0, record).lowercased().contains(part) } ?? false
            || app(in: record).map { AppName.normalized(text($0, record)).contains(part) } ?? false
    }

    private func satisfies(_ status: FilterStatus, _ record: Span<UInt8>) -> Bool {
        guard !connectionType(in: record).isWeb else { return false }
        switch status {
        case .ongoing, .open: return self.status(in: record) == .connected
        case .completed: return self.status(in: record) == .disconnected
        case .unconfirmed, .lost, .startUnknown: return false
        }
    }

    private func equals(_ field: Field, _ wanted: String, _ record: Span<UInt8>) -> Bool {
        value(field, in: record).map { text($0, record).lowercased() == wanted } ?? false
    }

    private func text(_ range: TextRange, _ record: Span<UInt8>) -> String {
        JSONText.string(record, range.range)
    }
}
