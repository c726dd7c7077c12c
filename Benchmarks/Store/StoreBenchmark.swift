#if Server
import ConnlogCore
import ConnlogStore
import ConnlogSystem
import Foundation

/// Measures the store alone: events taken in per second while it grows, then how long pages and counts take.
///
///     swift run -c release store-benchmark DIRECTORY ROWS [BATCH]
///
/// Two events for each row, the end some 20,000 events behind the beginning, so that most fall into different batches.
@main struct StoreBenchmark {
    static func main() async throws {
        let arguments = CommandLine.arguments
        guard arguments.count >= 3, let rows = Int(arguments[2]) else {
            print("usage: store-benchmark DIRECTORY ROWS [BATCH]")
            return
        }
        let path = arguments[1] + "/benchmark.db"
        let store = try ConnectionStore(path, cacheBytes: 64 << 20)
        let before = try await store.newestEvent()
        if before < rows * 2 {
            try fill(store, rows, batch: arguments.count > 3 ? Int(arguments[3]) ?? 20_000 : 20_000)
        }
        try await Questions(store: store, events: Events(rows: rows)).run()
        try await LookQuestions(store: store).run()
        try await CountQuestions(store: store, rows: rows).run()
    }

    private static func fill(_ store: ConnectionStore, _ rows: Int, batch size: Int) throws {
        let clock = ContinuousClock()
        var events = Events(rows: rows)
        var (spent, count, mark) = (Duration.zero, 0, 0)
        while true {
            var batch = EventBatch()
            while batch.count < size, let line = events.next() { batch.append(Array(line.utf8).span) }
            if batch.isEmpty { break }
            let start = clock.now
            _ = try store.apply(batch, at: nil, arrival: 0)
            spent += clock.now - start
            count += batch.count
            if count - mark >= max(400_000, rows / 4) {
                let speed = Double(count - mark) / (spent / .seconds(1))
                print(
                    "\(count / 2) rows: \(Int(speed)) events/s, \(try store.contentBytes() / max(1, count / 2)) bytes/row"
                )
                (spent, mark) = (.zero, count)
            }
        }
    }
}

/// Connections of 2,000 people in 3,000 workspaces: three of four are agents', one of four is the web's. The
/// tunnels among them tell of about half of the agents' whose they are.
struct Events {
    let rows: Int
    private var begun = 0
    private var waiting: [(due: Int, row: Int)] = []
    private var head = 0
    private var given = 0

    init(rows: Int) { self.rows = rows }

    mutating func next() -> String? {
        given += 1
        if head < waiting.count, waiting[head].due <= given || begun == rows {
            defer { head += 1 }
            return Events.line(waiting[head].row, isEnd: true)
        }
        guard begun < rows else { return nil }
        defer { begun += 1 }
        if !Events.isWeb(begun) { waiting.append((given + 20_000, begun)) }
        return Events.line(begun, isEnd: false)
    }

    static func isWeb(_ row: Int) -> Bool { row & 3 == 3 }

    static func mixed(_ value: Int) -> UInt64 {
        var bits = UInt64(value) &* 0x9e37_79b9_7f4a_7c15
        bits = (bits ^ bits >> 30) &* 0xbf58_476d_1ce4_e5b9
        return bits ^ bits >> 27
    }

    static func uuid(_ kind: Int, _ number: Int) -> String {
        let words = [mixed(number &* 16 + kind), mixed(number &* 16 + kind + 8)]
        var text: [UInt8] = []
        text.reserveCapacity(36)
        for place in 0..<32 {
            if [8, 12, 16, 20].contains(place) { text.append(0x2d) }
            let digit = UInt8(truncatingIfNeeded: words[place >> 4] >> UInt64(60 - 4 * (place & 15))) & 15
            text.append(digit < 10 ? 0x30 + digit : 0x57 + digit)
        }
        return String(decoding: text, as: UTF8.self)
    }

    static func owner(_ row: Int) -> Int { Int(mixed(row) % 2000) }
    static func time(_ row: Int) -> Int64 { 1_735_689_600_000_000_000 + Int64(row) * 3_000_000_000 }

    static let types = ["ssh", "vscode", "jetbrains", "reconnecting_pty"]
    static let webTypes = ["workspace_app", "port_forwarding", "tunnel"]

    static func line(_ row: Int, isEnd: Bool) -> String {
        let owner = owner(row)
        let time = EventTime.text(time(row) + (isEnd ? 60_000_000_000 : 0))
        let head = """
            {"ts":"\(time)","level":"INFO","msg":"connection_log","caller":"audit.go:1","fields":{"request_id":"r",\
            "ID":"\(uuid(isEnd ? 2 : 1, row))","Time":"\(time)","OrganizationID":"\(uuid(3, owner % 3))",\
            "WorkspaceOwnerID":"\(uuid(4, owner))","WorkspaceID":"\(uuid(5, owner * 3 / 2))","WorkspaceName":"ws\(owner)",\
            "AgentName":"main","Ip":"100.64.\(owner >> 8).\(owner & 255)",
            """
        let tail =
            isWeb(row)
            ? """
            "Type":"\(webTypes[row / 4 % 3])","Code":\(row / 4 % 3 == 2 ? 101 : 200),"UserAgent":"Mozilla/5.0 (X11; Linux x86_64) agent \(owner % 50)",\
            "UserID":"\(uuid(4, Int(mixed(row + 7) % 2000)))","SlugOrPort":"code-server","ConnectionID":"",\
            "DisconnectReason":"","ConnectionStatus":"connected"}}
            """
            : """
            "Type":"\(types[Int(mixed(row) >> 20 & 3)])","Code":\(isEnd ? "0" : "null"),"UserAgent":"","UserID":"",\
            "SlugOrPort":"","ConnectionID":"\(uuid(6, row))","DisconnectReason":"\(isEnd ? "process exited" : "")",\
            "ConnectionStatus":"\(isEnd ? "disconnected" : "connected")"}}
            """
        return head + tail
    }
}

/// Asks each kind of question many times, with other people and times each time.
struct Questions {
    let store: ConnectionStore
    let events: Events

    func run() async throws {
        let kinds: [(String, (Int) -> [RowQuery.Term])] = [
            ("everything", { _ in [] }),
            ("organization", { [organization($0)] }),
            ("workspace_owner", { [owner($0)] }),
            ("username", { [user($0)] }),
            ("person", { [person($0)] }),
            ("workspace_id", { [workspace($0)] }),
            ("connection_id", { [.init(.row(.connectionID(Events.uuid(6, row($0) & ~3))))] }),
            ("type", { [type($0)] }),
            ("app", { _ in [.init(.row(.app(["jetbrains"])))] }),
            ("status:ongoing", { _ in [.init(.row(.status(.ongoing)))] }),
            ("status:completed", { _ in [.init(.row(.status(.completed)))] }),
            ("connected_before", { [before($0)] }),
            ("connected_after, before", { [before($0), after($0)] }),
            ("owner type", { [owner($0), type($0)] }),
            ("owner type before", { [owner($0), type($0), before($0)] }),
            ("owner status:ongoing", { [owner($0), .init(.row(.status(.ongoing)))] }),
            ("owner username", { [owner($0), user($0 + 1)] }),
            (
                "owner organization completed type",
                {
                    [owner($0), organization($0), type($0), .init(.row(.status(.completed)))]
                }
            ),
            ("organization type before", { [organization($0), type($0), before($0)] }),
            ("workspace type completed", { [workspace($0), type($0), .init(.row(.status(.completed)))] }),
            ("person type before", { [person($0), type($0), before($0)] }),
            ("person workspace", { [person($0), workspace($0)] }),
            ("username type before", { [user($0), type($0), before($0)] }),
            (
                "all of it",
                {
                    [
                        owner($0), organization($0), type($0), before($0), workspace($0),
                        .init(.row(.status(.completed))),
                    ]
                }
            ),
        ]
        print("question: first page of 100, p50 p99 ms; count up to 2000, p50 p99 ms; rows counted")
        for (name, terms) in kinds { try await measure(name, terms) }
        let clock = ContinuousClock()
        let start = clock.now
        _ = try await store.page(RowQuery(), offset: 100_000, limit: 100, bytesMax: .max)
        print("offset 100,000: \(milliseconds(clock.now - start))")
    }

    private func measure(_ name: String, _ terms: (Int) -> [RowQuery.Term]) async throws {
        let clock = ContinuousClock()
        var (pages, counts, counted): ([Duration], [Duration], Int) = ([], [], 0)
        for number in 0..<200 {
            let query = RowQuery(terms(number))
            let start = clock.now
            _ = try await store.page(query, limit: 100, bytesMax: .max)
            let middle = clock.now
            counted = try await store.count(query, cap: 2000)
            pages.append(middle - start)
            counts.append(clock.now - middle)
        }
        pages.sort()
        counts.sort()
        print(
            "\(name): \(milliseconds(pages[100])) \(milliseconds(pages[198])); "
                + "\(milliseconds(counts[100])) \(milliseconds(counts[198])); \(counted)")
    }

    private func milliseconds(_ time: Duration) -> String { String(format: "%.2f", time / .milliseconds(1)) }

    private func row(_ number: Int) -> Int { Int(Events.mixed(number) % UInt64(events.rows)) }
    private func owner(_ number: Int) -> RowQuery.Term { .init(.owners([Events.uuid(4, Events.owner(row(number)))])) }
    private func user(_ number: Int) -> RowQuery.Term { .init(.users([Events.uuid(4, Events.owner(row(number)))])) }
    private func person(_ number: Int) -> RowQuery.Term {
        .init(.people([Events.uuid(4, Events.owner(row(number)))]))
    }
    private func organization(_ number: Int) -> RowQuery.Term {
        .init(.organizations([Events.uuid(3, Events.owner(row(number)) % 3)]))
    }
    private func workspace(_ number: Int) -> RowQuery.Term {
        .init(.row(.workspaceID(Events.uuid(5, Events.owner(row(number)) * 3 / 2))))
    }
    private func type(_ number: Int) -> RowQuery.Term {
        .init(.row(.type(ConnectionType.allCases[number % 7])))
    }
    private func before(_ number: Int) -> RowQuery.Term { .init(.row(.connectedBefore(Events.time(row(number))))) }
    private func after(_ number: Int) -> RowQuery.Term {
        .init(.row(.connectedAfter(Events.time(row(number)) - 86_400_000_000_000)))
    }
}
#else
@main struct StoreBenchmark {
    static func main() { print("the store is part of the trait Server") }
}
#endif
