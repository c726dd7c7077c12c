/// For handing a section from one process of connlog to another, in memory only: its values are written as they are.
///
/// Sections with secrets that are read again (`SecretReference`) do not travel: what comes out has none.
extension Section: Codable {
    private enum Keys: String, CodingKey {
        case kind, name, type, place, values, places, hiddenKeys, literalKeys
    }

    /// A section that another process of connlog has written.
    public init(from decoder: any Decoder) throws {
        let box = try decoder.container(keyedBy: Keys.self)
        self.init(
            kind: try box.decode(String.self, forKey: .kind), name: try box.decodeIfPresent(String.self, forKey: .name),
            type: try box.decodeIfPresent(String.self, forKey: .type),
            place: try box.decode(Place.self, forKey: .place),
            values: try box.decode([String: Value].self, forKey: .values),
            places: try box.decode([String: Place].self, forKey: .places),
            hiddenKeys: try box.decode(Set<String>.self, forKey: .hiddenKeys),
            literalKeys: try box.decode(Set<String>.self, forKey: .literalKeys))
    }

    /// Writes it, but for what must not travel.
    public func encode(to encoder: any Encoder) throws {
        var box = encoder.container(keyedBy: Keys.self)
        try box.encode(kind, forKey: .kind)
        try box.encodeIfPresent(name, forKey: .name)
        try box.encodeIfPresent(type, forKey: .type)
        try box.encode(place, forKey: .place)
        try box.encode(values, forKey: .values)
        try box.encode(places, forKey: .places)
        try box.encode(hiddenKeys, forKey: .hiddenKeys)
        try box.encode(literalKeys, forKey: .literalKeys)
    }
}
