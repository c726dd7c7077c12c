internal import ConnlogSystem

/// Which origins of wrapped lines a source believes: what does not fit is counted and never becomes an event.
///
/// Nothing in a line proves that coderd has written it. Any workspace's pod can print a perfect event, and any local user
/// write an identifier into the journal; only what the one who wraps the line adds by himself tells who has written it.
/// A line that has no such thing about it fits no condition.
public struct OriginConditions: Sendable, Equatable {
    /// systemd units: `_SYSTEMD_UNIT`, of what comes over the unit's own output.
    public var units: [String]
    /// Containers, by name.
    public var containers: [String]
    /// Kubernetes' namespaces.
    public var namespaces: [String]
    /// CloudWatch's log groups.
    public var logGroups: [String]

    /// Of each list that is not empty one must fit.
    public init(
        units: [String] = [], containers: [String] = [], namespaces: [String] = [], logGroups: [String] = []
    ) {
        self.units = units
        self.containers = containers
        self.namespaces = namespaces
        self.logGroups = logGroups
    }

    /// Everything is believed.
    public var isEmpty: Bool { units.isEmpty && containers.isEmpty && namespaces.isEmpty && logGroups.isEmpty }

    func fits(_ origin: Origin) -> Bool {
        Origin.Field.allCases.allSatisfy { field in
            let wanted = list(field)
            return wanted.isEmpty || origin[field].map(wanted.contains) ?? false
        }
    }

    /// Whether one of these fields was asked about.
    func asks(for origin: Origin) -> Bool {
        Origin.Field.allCases.contains { origin[$0] != nil && !list($0).isEmpty }
    }

    private func list(_ field: Origin.Field) -> [String] {
        switch field {
        case .unit: units
        case .container: containers
        case .namespace: namespaces
        case .logGroup: logGroups
        }
    }
}

/// What a wrapper itself says of who has written a line.
struct Origin: Sendable, Equatable {
    enum Field: Int, CaseIterable, Sendable { case unit, container, namespace, logGroup }

    private var values: [String?] = [nil, nil, nil, nil]

    subscript(field: Field) -> String? {
        get { values[field.rawValue] }
        set { values[field.rawValue] = newValue }
    }

    var isEmpty: Bool { !values.contains { $0 != nil } }

    /// Takes in what a wrapper inside of this one says.
    ///
    /// Whoever writes the inner text could write any wrapper too. So it is believed only where the outer one says nothing,
    /// or was asked about and fits: the one who names a log group knows who writes into it.
    mutating func take(_ inner: Origin, _ conditions: OriginConditions) {
        if !isEmpty, !conditions.asks(for: self) { return }
        for field in Field.allCases where self[field] == nil { self[field] = inner[field] }
    }
}
