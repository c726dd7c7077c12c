#if Server
import ConnlogCore
import ConnlogStore
import HTTPTypes

/// Something about a question that its answer does not show: a name that nobody has, terms that exclude one another, a time
/// that the store does not reach.
struct Warning: Equatable {
    /// The key it is about, as in `validations`.
    var field: String
    /// One sentence. It may hold what was asked for, and names that whoever asks may see.
    var detail: String
    /// What may have been meant, the likeliest first.
    var nearest: [String] = []
    /// Where in the query, in bytes.
    var range: Range<Int>?

    var json: JSONValue {
        var object = Members()
        object.add("field", field)
        object.add("detail", detail)
        object.add("nearest", .array(nearest.map { .string($0) }))
        if let range {
            object.add("start", JSONValue(range.lowerBound))
            object.add("end", JSONValue(range.upperBound))
        }
        return object.value
    }
}

/// What there is to warn of beside an answer. An empty one always has a warning: never a silent zero.
///
/// Whoever may see some organizations only is told by their own connections alone what there is and what there is not: a name
/// that others have is as unknown as one that nobody has.
struct Warnings {
    static let header = HTTPField.Name("Connlog-Warnings")
    static let headerBytesMax = 4096
    static let countMax = 10
    let question: Question
    let isEmpty: Bool
    /// How long looking for reasons may take here.
    let limit: Duration

    init(_ question: Question, isEmpty: Bool, limit: Duration? = nil) {
        (self.question, self.isEmpty) = (question, isEmpty)
        self.limit = min(limit ?? question.reasonsLimit, question.reasonsLimit)
    }

    var all: [Warning] {
        get async throws {
            let unknown = unknownNames
            guard isEmpty else { return Warnings.cut(unknown) }
            let reasons = try await EmptyAnswer(question, told: unknown).reasons(within: limit)
            return Warnings.cut(unknown + reasons)
        }
    }

    /// Nothing was found yet, which does not say that there is nothing.
    /// - Parameter place: all down to it were looked at.
    func all(lookedBackTo place: RowPosition) -> [Warning] {
        let words = "nothing found yet, looked back to \(place.time.text); the list goes on with 'next'"
        return Warnings.cut(unknownNames + [Warning(field: "q", detail: words)])
    }

    /// The first of them; of more than `most`, the last place says how many more there are.
    static func cut(_ warnings: [Warning], to most: Int = countMax) -> [Warning] {
        if warnings.count <= most { return warnings }
        let shown = max(0, most - 1)
        return Array(warnings.prefix(shown)) + [more(warnings.count - shown)]
    }

    private static func more(_ count: Int) -> Warning {
        Warning(field: "q", detail: count == 1 ? "one more warning is left out" : "\(count) more warnings are left out")
    }

    /// For answers that are no JSON: an array of the same objects, in ASCII. What does not fit is said to be left out.
    static func headerText(_ warnings: [Warning], bytesMax: Int = headerBytesMax) -> String {
        var shown = warnings.count
        while true {
            let left = warnings.count - shown
            let told = warnings.prefix(shown) + (left > 0 ? [more(left)] : [])
            let text = ascii(JSONValue.array(told.map(\.json)).line)
            if text.utf8.count <= bytesMax || shown == 0 { return text }
            shown -= 1
        }
    }

    /// Whatever a header may not hold is written as JSON writes it.
    private static func ascii(_ text: String) -> String {
        var result = ""
        for unit in text.utf16 {
            if (0x20..<0x7f).contains(unit) {
                result.unicodeScalars.append(Unicode.Scalar(UInt8(unit)))
            } else {
                let digits = String(unit, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            }
        }
        return result
    }

    // MARK: - Names

    /// Names that no directory has, whatever the answer: one of several values may be such.
    private var unknownNames: [Warning] {
        guard !question.asker.caller.isLimited else { return [] }
        return question.filter.terms.flatMap { term in
            Warnings.parts(term.condition).compactMap { warning($0, term.range) }
        }
    }

    /// A condition, or those that it is made of.
    static func parts(_ condition: FilterCondition) -> [FilterCondition] {
        switch condition {
        case .any(let parts), .all(let parts): parts.flatMap(Warnings.parts)
        default: [condition]
        }
    }

    private func warning(_ condition: FilterCondition, _ range: Range<Int>) -> Warning? {
        let names = question.names
        func people(_ name: String, _ field: String) -> Warning? {
            if name == "me" { return question.asker.caller.user == nil ? nobody(field, range) : nil }
            guard names.userIDs(named: name, evenDeleted: false).isEmpty else { return nil }
            return unknown(name, field, "user", names.users.filter { !$0.isDeleted }.map(\.username), range)
        }
        func addresses(_ address: String, _ field: String) -> Warning? {
            guard names.userIDs(withEmail: address, evenDeleted: true).isEmpty else { return nil }
            let seen = question.asker.caller.role.seesAddresses ? names.users.map(\.email) : []
            return unknown(address, field, "address of a user", seen, range)
        }
        switch condition {
        case .person(let text): return person(text, range)
        case .username(let name): return people(name, "username")
        case .workspaceOwner(let name): return people(name, "workspace_owner")
        case .userEmail(let address): return addresses(address, "user_email")
        case .workspaceOwnerEmail(let address): return addresses(address, "workspace_owner_email")
        case .organization(let name) where UUIDText.normalized(name) == nil:
            guard names.organizationIDs(named: name).isEmpty else { return nil }
            return unknown(name, "organization", "organization", names.organizations.map(\.name), range)
        default: return nil
        }
    }

    /// Whoever `person:` could mean may be called by a name or an address, and have been deleted.
    private func person(_ text: String, _ range: Range<Int>) -> Warning? {
        let (names, caller) = (question.names, question.asker.caller)
        if text == "me" { return caller.user == nil ? nobody("person", range) : nil }
        guard UUIDText.normalized(text) == nil, PersonWords.ids(text, names, nil).isEmpty else { return nil }
        let addresses = caller.role.seesAddresses ? names.users.map(\.email) : []
        return unknown(text, "person", "user", names.users.map(\.username) + addresses, range)
    }

    private func nobody(_ field: String, _ range: Range<Int>) -> Warning {
        Warning(
            field: field, detail: "'me' is nobody: this token belongs to no user; write the user's name", range: range)
    }

    private func unknown(
        _ name: String, _ field: String, _ what: String, _ known: [String], _ range: Range<Int>
    ) -> Warning {
        let nearest = Nearest.of(name, known)
        let rest =
            question.names.users.isEmpty && question.names.organizations.isEmpty
            ? "no [directory] has names; write the id with person:, user_id:, owner_id: or organization:"
            : nearest.isEmpty ? "no name is like it" : "perhaps \(nearest.joined(separator: ", "))"
        return Warning(field: field, detail: "no \(what) is called '\(name)': \(rest)", nearest: nearest, range: range)
    }
}

/// Names that are like another one.
enum Nearest {
    private static let lengthMax = 64

    /// At most three: first those with the fewest letters to change, then those that hold it.
    static func of(_ name: String, _ known: [String]) -> [String] {
        let wanted = Array(name.lowercased().unicodeScalars.prefix(lengthMax))
        guard !wanted.isEmpty else { return [] }
        let most = max(1, wanted.count / 3)
        let found = Set(known).compactMap { candidate -> (distance: Int, text: String)? in
            let scalars = Array(candidate.lowercased().unicodeScalars.prefix(lengthMax))
            guard !scalars.isEmpty else { return nil }
            if abs(scalars.count - wanted.count) <= most {
                let distance = distance(wanted, scalars)
                if distance <= most { return (distance, candidate) }
            }
            let isPart = wanted.count >= 3 && String(String.UnicodeScalarView(scalars)).contains(name.lowercased())
            return isPart ? (most + scalars.count - wanted.count, candidate) : nil
        }
        return found.sorted { ($0.distance, $0.text) < ($1.distance, $1.text) }.prefix(3).map(\.text)
    }

    /// How many letters are other ones, too many, missing, or in the wrong order.
    static func distance(_ one: [Unicode.Scalar], _ other: [Unicode.Scalar]) -> Int {
        var before: [Int] = []
        var last = Array(0...other.count)
        for row in one.indices {
            var now = [row + 1]
            for column in other.indices {
                let isSame = one[row] == other[column]
                var best = min(last[column] + (isSame ? 0 : 1), last[column + 1] + 1, now[column] + 1)
                let isSwapped = row > 0 && column > 0 && one[row] == other[column - 1] && one[row - 1] == other[column]
                if isSwapped { best = min(best, before[column - 1] + 1) }
                now.append(best)
            }
            (before, last) = (last, now)
        }
        return last[other.count]
    }
}
#endif
