#if Server
import ConnlogCore
import ConnlogStore

/// Who a connection was, in words: `person`, `person_id`, `person_basis`, `person_candidates`.
struct PersonText {
    let names: any Names

    /// The user's name; the id of one whom no directory knows.
    func name(_ id: String) -> String {
        let name = names.user(id)?.username ?? ""
        return name.isEmpty ? id : name
    }

    /// - Parameter person: `nil` when that was not asked for.
    func add(_ person: Person?, to object: inout Members) {
        guard let person else { return }
        object.add("person", person.id.map { .string(name($0)) } ?? .null)
        object.add("person_id", person.id.map { .string($0) } ?? .null)
        object.add("person_basis", person.basis.word)
        object.add("person_candidates", .array(person.candidates.map(value)))
        if person.isCut { object.add("person_candidates_cut", .boolean(true)) }
    }

    private func value(_ candidate: Person.Candidate) -> JSONValue {
        [
            "person": .string(name(candidate.id)), "person_id": .string(candidate.id),
            "row": candidate.row.map { .string($0) } ?? .null, "time": .string(candidate.time.text),
            "type": .string(candidate.type.rawValue),
        ]
    }

    /// The cells of a CSV row.
    func cells(_ person: Person?) -> [String?] {
        let named = person?.candidates.map(text) ?? []
        let candidates = (named + (person?.isCut ?? false ? ["and perhaps more"] : [])).joined(separator: "; ")
        return [
            person?.id.map(name), person?.id, person?.basis.word, candidates.isEmpty ? nil : candidates,
        ]
    }

    /// `alice a0000000-0000-4000-8000-000000000014`: the name, or what stands for it, and the id of the row it rests on. Ids
    /// come with events, so one that is no UUID is not written: it could read like another candidate.
    private func text(_ candidate: Person.Candidate) -> String {
        let words = [names.user(candidate.id)?.username, UUIDText.normalized(candidate.id)].compactMap { $0 }
        return (words.first(where: PersonText.isPlain) ?? "?") + " "
            + (candidate.row.flatMap(UUIDText.normalized) ?? "?")
    }

    private static func isPlain(_ name: String) -> Bool {
        !name.isEmpty
            && name.unicodeScalars.allSatisfy {
                $0.properties.isAlphabetic || "0123456789-_.@".unicodeScalars.contains($0)
            }
    }

    /// In a table: `alice`, `≈alice` when it was inferred, nothing when nobody can be named.
    func short(_ person: Person?) -> String {
        guard let person, let id = person.id else { return "" }
        return (person.isInferred ? "≈" : "") + (names.user(id)?.username ?? String(id.prefix(8)))
    }
}
#endif
