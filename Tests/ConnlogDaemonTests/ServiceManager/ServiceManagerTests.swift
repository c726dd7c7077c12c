import ConnlogCore
import ConnlogDelivery
import ConnlogSystem
import ConnlogTestSupport
import Synchronization
import Testing

@testable import ConnlogDaemon

/// What a service manager is told, byte for byte as `sd_notify(3)` has it, and when.
@Suite struct ServiceManagerTests {
    /// A manager's socket, the daemon's side of it, and a clock that stands still.
    private final class Bench: Sendable {
        let receiver: NoticeReceiver
        let time = Mutex(Duration.seconds(100))

        init(isAbstract: Bool = false, reads: Bool = true) throws {
            receiver = try NoticeReceiver(isAbstract: isAbstract, reads: reads)
        }

        func manager(_ variables: [String: String] = [:]) throws -> ServiceManager {
            let variables = variables.merging(["NOTIFY_SOCKET": receiver.address]) { $1 }
            let manager = ServiceManager(
                environment: { variables[$0] }, processID: 7, now: { self.time.withLock { $0 } }, log: { _, _ in })
            return try #require(manager)
        }

        func pass(_ duration: Duration) { time.withLock { $0 += duration } }

        /// The messages are exactly these, after the last of which nothing more was said.
        func expect(_ messages: [String], _ manager: ServiceManager) async throws {
            manager.stopping(.zero)
            try await Waiting.until("the last message is there") {
                self.receiver.messages.last == "EXTEND_TIMEOUT_USEC=15000000"
            }
            #expect(receiver.messages.dropLast(2) == messages[...])
        }
    }

    @Test(arguments: [false, true]) func `a life from start to end is told in its order`(isAbstract: Bool) async throws
    {
        let bench = try Bench(isAbstract: isAbstract)
        let manager = try bench.manager()
        manager.starting(for: .seconds(30))
        manager.status("too early")
        manager.ready("2 sources, 3 sinks; nothing waits")
        manager.starting(for: .seconds(30))
        bench.pass(.seconds(60) + .microseconds(7))
        manager.status("2 sources, 3 sinks; splunk holds (http_401), 1204 events wait")
        manager.reloading()
        manager.reloaded(isInForce: true, "2 sources, 3 sinks; nothing waits")
        manager.stopping(.seconds(20))
        manager.status("too late")
        manager.reloading()
        try await Waiting.until("all is there") { bench.receiver.messages.count >= 7 }
        #expect(
            bench.receiver.messages == [
                "EXTEND_TIMEOUT_USEC=30000000", "READY=1\nSTATUS=2 sources, 3 sinks; nothing waits",
                "STATUS=2 sources, 3 sinks; splunk holds (http_401), 1204 events wait",
                "RELOADING=1\nMONOTONIC_USEC=160000007", "READY=1\nSTATUS=2 sources, 3 sinks; nothing waits",
                "STOPPING=1\nSTATUS=delivering for 20 s", "EXTEND_TIMEOUT_USEC=35000000",
            ])
    }

    @Test(arguments: [nil, "", "/", "vsock:2:1234", "relative/path"]) func `without a socket nobody is told`(
        address: String?
    ) {
        let manager = ServiceManager(environment: { $0 == "NOTIFY_SOCKET" ? address : "5000000" }, log: { _, _ in })
        #expect(manager == nil)
    }

    @Test func `a manager that cannot be reached is complained about once, and holds up nothing`() throws {
        let complaints = Mutex<[String]>([])
        let manager = ServiceManager(
            environment: { $0 == "NOTIFY_SOCKET" ? "/nowhere/notify" : nil },
            log: { _, text in complaints.withLock { $0.append(text) } })
        try #require(manager != nil)
        manager?.ready("1 source, 1 sink; nothing waits")
        manager?.stopping(.seconds(1))
        let said = complaints.withLock { $0 }
        #expect(said.count == 1 && said[0].contains("/nowhere/notify"), "\(said)")
    }

    /// What is said while the manager's socket is full, and what it hears of that once there is room.
    private static let saidToAFullSocket: [(@Sendable (ServiceManager) -> Void, [String])] = [
        ({ $0.ready("a") }, ["READY=1\nSTATUS=a"]),
        (
            { manager in
                manager.ready("a")
                manager.reloading()
            }, ["READY=1\nSTATUS=a", "RELOADING=1\nMONOTONIC_USEC=100000000"]
        ),
        (
            { manager in
                manager.ready("a")
                manager.reloading()
                manager.reloaded(isInForce: true, "b")
            }, ["READY=1\nSTATUS=b"]
        ),
        (
            { manager in
                manager.ready("a")
                manager.stopping(.seconds(20))
            }, ["STOPPING=1\nSTATUS=delivering for 20 s", "EXTEND_TIMEOUT_USEC=35000000"]
        ),
    ]

    @Test(arguments: 0..<4) func `what a full socket did not take is sent at a later look, in its order, once`(
        index: Int
    ) async throws {
        let (says, expected) = Self.saidToAFullSocket[index]
        let bench = try Bench(reads: false)
        let manager = try bench.manager()
        let filler = try #require(NoticeSocket(bench.receiver.address))
        var fillers = 0
        while (try? filler.send("filler")) != nil { fillers += 1 }
        says(manager)
        manager.sendOwed()
        bench.receiver.read()
        try await Waiting.until("there is room") { bench.receiver.messages.count == fillers }
        manager.sendOwed()
        manager.sendOwed()
        try await Waiting.until("it is sent") { bench.receiver.messages.count >= fillers + expected.count }
        try filler.send("end")
        try await Waiting.until("nothing more comes") { bench.receiver.messages.last == "end" }
        #expect(bench.receiver.messages.dropFirst(fillers).dropLast() == expected[...])
    }

    @Test func `a status and a sign of life that a full socket did not take are due again`() async throws {
        let bench = try Bench(reads: false)
        let manager = try bench.manager(["WATCHDOG_USEC": "60000000"])
        manager.ready("a")
        let filler = try #require(NoticeSocket(bench.receiver.address))
        var fillers = 0
        while (try? filler.send("filler")) != nil { fillers += 1 }
        bench.pass(.seconds(60))
        manager.beat(isStuck: false)
        manager.status("b")
        bench.receiver.read()
        try await Waiting.until("there is room") { bench.receiver.messages.count == fillers + 1 }
        manager.beat(isStuck: false)
        manager.status("b")
        try await Waiting.until("it is sent") { bench.receiver.messages.count >= fillers + 3 }
        #expect(bench.receiver.messages.suffix(2) == ["WATCHDOG=1", "STATUS=b"])
    }

    @Test func `a status is told when it has changed, and not more often than every five seconds`() async throws {
        let bench = try Bench()
        let manager = try bench.manager()
        manager.ready("a")
        for text in ["b", "c", "d"] {
            bench.pass(.seconds(2))
            manager.status(text)
        }
        bench.pass(.seconds(60))
        manager.status("d")
        try await bench.expect(["READY=1\nSTATUS=a", "STATUS=d"], manager)
    }

    @Test func `a refused reload stays in the status until one is in force`() async throws {
        let bench = try Bench()
        let manager = try bench.manager()
        manager.ready("a")
        manager.reloading()
        manager.reloaded(isInForce: false, "a")
        bench.pass(.seconds(60))
        manager.status("b")
        manager.reloading()
        manager.reloaded(isInForce: true, "b")
        let words = "the last reload was refused for mistakes in the configuration, see the log"
        try await bench.expect(
            [
                "READY=1\nSTATUS=a", "RELOADING=1\nMONOTONIC_USEC=100000000", "READY=1\nSTATUS=a; \(words)",
                "STATUS=b; \(words)", "RELOADING=1\nMONOTONIC_USEC=160000000", "READY=1\nSTATUS=b",
            ], manager)
    }

    @Test func `the watchdog hears after half of its time, and not while something is stuck`() async throws {
        let bench = try Bench()
        let manager = try bench.manager(["WATCHDOG_USEC": "60000000", "WATCHDOG_PID": "7"])
        #expect(manager.beatPause == .seconds(30))
        for isStuck in [false, false, true, true, true, false, true] {
            manager.beat(isStuck: isStuck)
            bench.pass(.seconds(20))
        }
        // At 0 and, with 20 s between, at 100; at 20 it is not due, and from 40 to 80 something is stuck.
        try await bench.expect(["WATCHDOG=1", "WATCHDOG=1"], manager)
    }

    @Test func `while everything ends, what is stuck is no reason for a restart`() async throws {
        let bench = try Bench()
        let manager = try bench.manager(["WATCHDOG_USEC": "60000000"])
        manager.stopping(.seconds(20))
        manager.beat(isStuck: true)
        try await Waiting.until("all is there") { bench.receiver.messages.count >= 3 }
        #expect(bench.receiver.messages.last == "WATCHDOG=1")
    }

    @Test(arguments: [
        ["WATCHDOG_USEC": "60000000", "WATCHDOG_PID": "8"], ["WATCHDOG_USEC": "0"], ["WATCHDOG_USEC": "soon"], [:],
    ])
    func `a watchdog that is none of ours hears nothing`(variables: [String: String]) async throws {
        let bench = try Bench()
        let manager = try bench.manager(variables)
        manager.beat(isStuck: false)
        try await bench.expect([], manager)
    }

    @Test func `words of others are one line of the status, and not a long one`() {
        let evil = "splunk\nREADY=1\u{1b}[31m"
        #expect(ServiceNotice.status(evil).text == "STATUS=splunk\\nREADY=1\\u001b[31m")
        let long = ServiceNotice.status(String(repeating: "x", count: 5000)).text
        #expect(long.utf8.count < 1100 && long.hasSuffix("(cut; 5000 bytes)"))
    }

    @Test func `the line names who has trouble, by the reasons' labels`() {
        func part(_ name: String, _ state: DeliveryStatus.State, _ lag: UInt64, _ stuck: String? = nil)
            -> ServiceReport.SinkPart
        { ServiceReport.SinkPart(name: name, state: state, lag: lag, stuck: stuck) }
        let refused = Reason("http_401", "the receiver says: STATUS=all is well")
        #expect(ServiceReport.words(sources: 1, []) == "1 source, 0 sinks; nothing waits")
        #expect(
            ServiceReport.words(sources: 2, [part("local", .working, 1), part("store", .starting, 0)])
                == "2 sources, 2 sinks; 1 event waits")
        #expect(
            ServiceReport.words(
                sources: 1,
                [
                    part("local", .working, 0), part("splunk", .holding(refused), 1204),
                    part("siem", .retrying(Reason("connection_refused", "")), 0),
                    part("pipe", .working, 9, "no progress for 45 s; sending 1 batch does not end"),
                ])
                == "1 source, 4 sinks; splunk holds (http_401), 1204 events wait; siem tries again "
                + "(connection_refused), nothing waits; pipe is stuck (no progress for 45 s; sending 1 batch does not "
                + "end), 9 events wait")
        let many = (0..<5).map { part("s\($0)", .holding(refused), 0) }
        #expect(ServiceReport.words(sources: 1, many).hasSuffix("; 2 more sinks like that"))
    }

    @Test func `a start that gets on is given more time, one that hangs is not`() async throws {
        let bench = try Bench()
        let looks = Mutex(0)
        // The processor's time at each look: it gets on twice, then hangs.
        let times: [Duration] = [.zero, .milliseconds(60), .milliseconds(120)]
        let slow = SlowStart(try bench.manager(), pause: .milliseconds(1)) {
            looks.withLock { look in
                defer { look += 1 }
                return times[min(look, times.count - 1)]
            }
        }
        try await Waiting.until("it was looked at more often") { looks.withLock { $0 } > 10 }
        slow.isOver()
        #expect(bench.receiver.messages.allSatisfy { $0 == "EXTEND_TIMEOUT_USEC=30000000" })
        #expect(bench.receiver.messages.count == 2)
    }
}
