#if Server
import ConnlogCore
import ConnlogStore
import ConnlogSystem
import ConnlogTestSupport
import Testing

/// How often the store is right about who it was, where the truth is known: 200 users, 30 days.
@Suite struct PersonTruthTests {
    @Test func `of those who are named nearly all were it, and nobody who was refused alone is named`() async throws {
        let world = Office(seed: 19)
        let folder = StoreFolder()
        let store = try folder.open(partitionRows: 20_000)
        for start in stride(from: 0, to: world.events.count, by: 5000) {
            try store.apply(world.events[start..<min(start + 5000, world.events.count)])
        }
        var all = Score()
        var bases: [String: Score] = [:]
        for row in try await store.rows(RowQuery(), limit: 1_000_000) where !row.type.isWeb {
            let truth = try #require(row.id.flatMap { world.truth[$0] })
            let person = try #require(row.person)
            all.add(person.id, truth)
            let basis = if case .nearest = person.basis { "nearest_of_N" } else { person.basis.word }
            bases[basis, default: Score()].add(person.id, truth)
            // Whoever came in neither by a tunnel nor by a page is never named.
            if let id = person.id { #expect(world.letIn.contains("\(id) \(row.workspaceID ?? "")")) }
        }
        print("seed 19: \(world.events.count) events, all: \(all)")
        for (basis, score) in bases.sorted(by: { $0.key < $1.key }) { print("  \(basis): \(score)") }
        // Twelve hours, against what a plain look says of other windows.
        for hours in [1, 2, 4, 8, 12, 24, 48] as [Int64] {
            let score = world.score(window: hours * 3600)
            print("  window of \(hours) h: \(score)")
            if hours == 12 { #expect(score == all) }
        }
        #expect(all.precision > 0.8 && all.recall > 0.8)
        #expect(bases["only_candidate"]?.precision ?? 0 > all.precision)
    }

    struct Score: Equatable, CustomStringConvertible {
        var (rows, named, right) = (0, 0, 0)

        mutating func add(_ person: String?, _ truth: String) {
            rows += 1
            if person != nil { named += 1 }
            if person == truth { right += 1 }
        }

        var precision: Double { Double(right) / Double(max(1, named)) }
        var recall: Double { Double(right) / Double(max(1, rows)) }
        private static func percent(_ part: Double) -> String { "\(Double(Int(part * 10_000)) / 100) %" }
        var description: String {
            "\(rows) rows, precision \(Score.percent(precision)), recall \(Score.percent(recall))"
        }
    }
}

/// People at work, as coderd would tell of them: each has a workspace, and teams of five share another with each other.
///
/// A day is nine hours of which sessions are begun at any moment. Each asks for a tunnel, of which coderd writes a row when
/// there was none of this user and address for an hour; one in a hundred is lost. An IDE goes on over a night now and then
/// without another. People try workspaces that are not theirs and are refused, most of them their team mates' own.
struct Office {
    private(set) var events: [ToldEvent] = []
    /// Of each agent's row, by its id.
    private(set) var truth: [String: String] = [:]
    /// User and workspace of those who ever were let in.
    private(set) var letIn: Set<String> = []

    private var random: SeededGenerator
    private var number = 0
    private var lastAsked: [String: Int64] = [:]

    static let users = 200
    static let days: Int64 = 30

    init(seed: UInt64) {
        random = SeededGenerator(seed)
        for day in 0..<Office.days {
            for user in 0..<Office.users where chance(70) { work(user, day) }
        }
        events.sort { ($0.time, $0.restMicroseconds, $0.id ?? "") < ($1.time, $1.restMicroseconds, $1.id ?? "") }
    }

    private mutating func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &random) < percent }

    private mutating func work(_ user: Int, _ day: Int64) {
        let start = day * 86_400 + 7 * 3600 + Int64.random(in: 0..<3 * 3600, using: &random)
        // One at a time, since a later moment must not be told of before an earlier one.
        let moments = (0..<Int.random(in: 4...14, using: &random)).map { _ in
            start + Int64.random(in: 0..<9 * 3600, using: &random)
        }
        for moment in moments.sorted() {
            // The team's, or one's own.
            let workspace = chance(45) ? 1000 + user / 5 : user
            if chance(4) { refuse(user, moment) }
            chance(15) ? terminal(user, workspace, moment) : session(user, workspace, moment)
        }
        // The IDE of the evening connects anew in the night, through the tunnel that it has.
        if chance(5), let last = moments.max() {
            agent("vscode", user, user, last + Int64.random(in: 3600..<14 * 3600, using: &random))
        }
    }

    private mutating func session(_ user: Int, _ workspace: Int, _ time: Int64) {
        ask("tunnel", user, workspace, time, code: 101)
        let type = ["ssh", "ssh", "vscode", "jetbrains"].randomElement(using: &random) ?? "ssh"
        agent(type, user, workspace, time + Int64.random(in: 1...20, using: &random))
    }

    private mutating func terminal(_ user: Int, _ workspace: Int, _ time: Int64) {
        ask("workspace_app", user, workspace, time, code: 200)
        agent("reconnecting_pty", user, workspace, time + Int64.random(in: 1...5, using: &random))
    }

    private mutating func refuse(_ user: Int, _ time: Int64) {
        let other = chance(70) ? user / 5 * 5 + (user + 1) % 5 : Int.random(in: 0..<Office.users, using: &random)
        if other != user { ask("tunnel", user, other, time, code: 403) }
    }

    /// What coderd writes, if it does.
    private mutating func ask(_ type: String, _ user: Int, _ workspace: Int, _ time: Int64, code: Int) {
        // From the office, or from home for a day.
        let address = "10.0.\(user / 100).\(user % 100)" + (mixed(user, time / 86_400) % 5 == 0 ? "1" : "")
        let key = "\(type) \(user) \(workspace) \(code) \(address)"
        defer { lastAsked[key] = time }
        if let last = lastAsked[key], time - last <= 3600 { return }
        if chance(1) { return }
        var event = placed(ToldEvent(time: time, type: type, code: code), workspace)
        event.user = ToldEvent.uuid(10_000 + user)
        event.ip = address
        if type == "workspace_app" { event.slug = "terminal" }
        if code != 403 { letIn.insert("\(event.user ?? "") \(event.workspace)") }
        add(event)
    }

    private mutating func agent(_ type: String, _ user: Int, _ workspace: Int, _ time: Int64) {
        var event = placed(ToldEvent(time: time, type: type), workspace)
        event.connection = ToldEvent.uuid(3_000_000 + number)
        let id = add(event)
        truth[id] = ToldEvent.uuid(10_000 + user)
    }

    private func placed(_ event: ToldEvent, _ workspace: Int) -> ToldEvent {
        var event = event
        event.workspace = ToldEvent.uuid(20_000 + workspace)
        event.owner = ToldEvent.uuid(10_000 + workspace % Office.users)
        return event
    }

    @discardableResult
    private mutating func add(_ event: ToldEvent) -> String {
        var event = event
        number += 1
        event.id = ToldEvent.uuid(1_000_000 + number)
        event.restMicroseconds = Int64.random(in: 0..<1_000_000, using: &random)
        events.append(event)
        return ToldEvent.uuid(1_000_000 + number)
    }

    private func mixed(_ user: Int, _ day: Int64) -> UInt64 {
        var random = SeededGenerator(UInt64(user) << 20 | UInt64(day))
        return random.next()
    }

    /// The rule over these events by a plain look at all that were before.
    /// - Parameter window: in seconds.
    func score(window: Int64) -> PersonTruthTests.Score {
        var score = PersonTruthTests.Score()
        var (tunnels, pages): ([String: ToldEvent], [String: ToldEvent]) = ([:], [:])
        for event in events {
            switch event.type {
            case "tunnel": if event.code == 101 { tunnels[event.workspace] = event }
            case "workspace_app": pages[event.workspace] = event
            default:
                let last = [tunnels[event.workspace], event.type == "reconnecting_pty" ? pages[event.workspace] : nil]
                let near = last.compactMap { $0 }.filter { event.microseconds - $0.microseconds <= window * 1_000_000 }
                let person = near.max { $0.microseconds < $1.microseconds }?.user
                score.add(person, truth[event.id ?? ""] ?? "")
            }
        }
        return score
    }
}
#endif
