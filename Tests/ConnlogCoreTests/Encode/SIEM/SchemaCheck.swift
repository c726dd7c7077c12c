import Foundation

/// JSON as the tests look at it.
enum TestJSON {
    static func object(_ text: String) throws -> [String: Any] {
        let value = try JSONSerialization.jsonObject(with: Data(text.utf8))
        guard let object = value as? [String: Any] else { throw Mistake(text: "no object") }
        guard keyCount(text) == keyCount(value) else { throw Mistake(text: "a key twice") }
        return object
    }

    struct Mistake: Error { let text: String }

    /// Keys in the text: strings that a colon stands behind.
    private static func keyCount(_ text: String) -> Int {
        let bytes = Array(text.utf8)
        var count = 0
        var place = 0
        while place < bytes.count {
            if bytes[place] == UInt8(ascii: "\"") {
                place += 1
                while bytes[place] != UInt8(ascii: "\"") { place += bytes[place] == UInt8(ascii: "\\") ? 2 : 1 }
                if place + 1 < bytes.count, bytes[place + 1] == UInt8(ascii: ":") { count += 1 }
            }
            place += 1
        }
        return count
    }

    private static func keyCount(_ value: Any) -> Int {
        if let object = value as? [String: Any] { return object.count + object.values.reduce(0) { $0 + keyCount($1) } }
        return (value as? [Any])?.reduce(0) { $0 + keyCount($1) } ?? 0
    }

    /// What stands at `a.b.c`; of lists, their first.
    static func value(_ path: String, in object: [String: Any]) -> Any? {
        var value: Any? = object
        for part in path.split(separator: ".") {
            if let list = value as? [Any] { value = list.first }
            value = (value as? [String: Any])?[String(part)]
        }
        return value
    }

    static func text(_ path: String, in object: [String: Any]) -> String? { value(path, in: object) as? String }
    static func number(_ path: String, in object: [String: Any]) -> Int? { value(path, in: object) as? Int }
    static func texts(_ path: String, in object: [String: Any]) -> [String]? { value(path, in: object) as? [String] }

    /// A file of the folder of schemas.
    static func file(_ name: String) throws -> [String: Any] {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../Golden/SIEM")
        return try object(try String(contentsOf: folder.appending(path: name), encoding: .utf8))
    }
}

/// Checks values against JSON schemas with the words that OCSF's have; with any other it fails.
struct SchemaCheck {
    let definitions: [String: Any]

    /// Mistakes of a value, each with its place.
    func mistakes(of value: Any, against schema: [String: Any], at place: String = "$") -> [String] {
        schema.flatMap { word, rule in mistakes(of: value, word, rule, schema, at: place) }
    }

    private func mistakes(
        of value: Any, _ word: String, _ rule: Any, _ schema: [String: Any], at place: String
    ) -> [String] {
        let object = value as? [String: Any]
        switch word {
        case "$id", "$defs", "properties": return word == "properties" ? properties(object, rule, at: place) : []
        case "$ref":
            let name = (rule as? String)?.replacing("#/$defs/", with: "") ?? ""
            guard let definition = definitions[name] as? [String: Any] else {
                return ["\(place): no definition \(name)"]
            }
            return mistakes(of: value, against: definition, at: place)
        case "type": return isOf(value, rule as? String ?? "") ? [] : ["\(place) is no \(rule)"]
        case "required":
            return (rule as? [String] ?? []).filter { object?[$0] == nil }.map { "\(place) has no \($0)" }
        case "additionalProperties":
            let known = schema["properties"] as? [String: Any] ?? [:]
            guard rule as? Bool == false else { return [] }
            return (object ?? [:]).keys.filter { known[$0] == nil }.map { "\(place).\($0) is not known" }
        case "anyOf":
            let ways = rule as? [[String: Any]] ?? []
            let isAny = ways.contains { mistakes(of: value, against: $0, at: place).isEmpty }
            return isAny ? [] : ["\(place) fits none of \(ways)"]
        case "items":
            guard let list = value as? [Any], let rule = rule as? [String: Any] else { return [] }
            return list.enumerated().flatMap { mistakes(of: $1, against: rule, at: "\(place)[\($0)]") }
        default: return simple(value, word, rule, at: place)
        }
    }

    private func properties(_ object: [String: Any]?, _ rule: Any, at place: String) -> [String] {
        guard let object, let rules = rule as? [String: [String: Any]] else { return [] }
        return object.flatMap { key, value in
            rules[key].map { mistakes(of: value, against: $0, at: "\(place).\(key)") } ?? []
        }
    }

    private func simple(_ value: Any, _ word: String, _ rule: Any, at place: String) -> [String] {
        let number = value as? Int
        let isRight: Bool
        switch word {
        case "enum": isRight = (rule as? [NSObject] ?? []).contains { $0 == value as? NSObject }
        case "const": isRight = rule as? NSObject == value as? NSObject
        case "maxLength": isRight = (value as? String)?.count ?? 0 <= rule as? Int ?? 0
        case "minimum": isRight = number ?? 0 >= rule as? Int ?? 0
        case "maximum": isRight = number ?? 0 <= rule as? Int ?? 0
        case "pattern":
            let text = value as? String ?? ""
            isRight = text.range(of: rule as? String ?? "", options: .regularExpression) != nil
        default: return ["\(place): the schema has a word that is not checked: \(word)"]
        }
        return isRight ? [] : ["\(place) is \(value), against \(word) \(rule)"]
    }

    private func isOf(_ value: Any, _ type: String) -> Bool {
        switch type {
        case "object": value is [String: Any]
        case "array": value is [Any]
        case "string": value is String
        case "integer": value is Int
        default: false
        }
    }
}

/// OCSF events against the schemas of their classes.
struct OCSFCheck {
    private let classes: [String: Any]

    init() throws { classes = try TestJSON.file("ocsf-1.8.0.json") }

    /// What the schema says, and what it cannot see: the unit of time, the sum of type and activity.
    func mistakes(of event: [String: Any]) -> [String] {
        let kind = TestJSON.number("class_uid", in: event) ?? 0
        let profiles = TestJSON.texts("metadata.profiles", in: event) ?? []
        let name = ([String(kind)] + profiles).joined(separator: " ")
        guard let schema = classes[name] as? [String: Any] else { return ["no class \(name)"] }
        let check = SchemaCheck(definitions: schema["$defs"] as? [String: Any] ?? [:])
        var mistakes = check.mistakes(of: event, against: schema)
        let activity = TestJSON.number("activity_id", in: event) ?? -1
        if TestJSON.number("type_uid", in: event) != kind * 100 + activity { mistakes.append("type_uid") }
        if TestJSON.number("category_uid", in: event) != kind / 1000 { mistakes.append("category_uid") }
        if (event["actor"] != nil) != (profiles == ["host"]) { mistakes.append("actor without its profile") }
        let time = TestJSON.number("time", in: event) ?? -1
        if time != 0, !(1_000_000_000_000...9_999_999_999_999 ~= time) { mistakes.append("time is not in ms: \(time)") }
        return mistakes
    }
}

/// ECS events against the fields of the schema.
struct ECSCheck {
    private let fields: [String: Any]

    init() throws { fields = try TestJSON.file("ecs-8.17.0.json") }

    func mistakes(of event: [String: Any]) -> [String] {
        var mistakes: [String] = []
        look(at: event, "", &mistakes)
        let categories = TestJSON.texts("event.category", in: event) ?? []
        let known = TestJSON.value("allowed", in: field("event.category")) as? [String: [String]] ?? [:]
        for category in categories where known[category] == nil { mistakes.append("category \(category)") }
        let expected = Set(categories.flatMap { known[$0] ?? [] })
        for type in TestJSON.texts("event.type", in: event) ?? [] where !expected.contains(type) {
            mistakes.append("type \(type) of \(categories)")
        }
        for name in ["@timestamp", "ecs.version"] where TestJSON.text(name, in: event) == nil {
            mistakes.append("no \(name)")
        }
        return mistakes
    }

    private func field(_ name: String) -> [String: Any] { fields[name] as? [String: Any] ?? [:] }

    private func look(at value: Any, _ name: String, _ mistakes: inout [String]) {
        if let object = value as? [String: Any], fields[name] == nil {
            if object.isEmpty { mistakes.append("\(name) is empty") }
            // Fields of our own have a name of our own before them.
            if name == "coder" { return }
            for (key, inner) in object { look(at: inner, name.isEmpty ? key : "\(name).\(key)", &mistakes) }
            return
        }
        guard fields[name] != nil else { return mistakes.append("\(name) is no field") }
        let isList = field(name)["isList"] as? Bool ?? false
        guard isList == (value is [Any]) else { return mistakes.append("\(name) is \(isList ? "no list" : "a list")") }
        for item in value as? [Any] ?? [value] where !isOf(item, field(name)["type"] as? String ?? "") {
            mistakes.append("\(name) is \(item)")
        }
    }

    private func isOf(_ value: Any, _ type: String) -> Bool {
        switch type {
        case "long": return value is Int
        case "date":
            let text = value as? String ?? ""
            return text.range(of: #"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z$"#, options: .regularExpression) != nil
        case "ip":
            let text = value as? String ?? ""
            return CEFParser.isAddress(text, isIPv6: false) || CEFParser.isAddress(text, isIPv6: true)
        default: return value is String
        }
    }
}
