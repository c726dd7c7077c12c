import Foundation
import Glibc
import Testing

extension ProcessTests {
    /// System calls that fail: no exit, no spinning, recovery without help, nothing lost and nothing twice.
    @Suite(
        .enabled(if: Injection.isPossible, "strace is not there or may not attach to a process"))
    struct InjectedFaultTests {
        struct Fault: CustomTestStringConvertible, Sendable {
            let calls: String
            let error: String
            /// Calls that one attempt may make.
            var callsEach = 1
            var testDescription: String { "\(calls): \(error)" }
        }

        private static let faults = [
            Fault(calls: "fdatasync", error: "EIO"), Fault(calls: "fsync", error: "EIO"),
            Fault(calls: "pwrite64", error: "ENOSPC"), Fault(calls: "pwrite64,write", error: "EIO"),
            Fault(calls: "write", error: "ENOSPC"),
            Fault(calls: "rename,renameat,renameat2", error: "EIO"), Fault(calls: "unlink,unlinkat", error: "EIO"),
            Fault(calls: "openat", error: "EMFILE"),
            // What cannot be read is asked for block by block.
            Fault(calls: "pread64", error: "EIO", callsEach: 64),
        ]

        private let workplace: Workplace

        init() throws { workplace = try Workplace() }

        /// A JSON file that rotates often, a human one that does not, and one of which old ones are removed.
        private var sections: String {
            Daemon.file("json.log", in: workplace, "rotate_size = 256KiB\nkeep = 0\ncompress = none")
                + Daemon.file("human.log", in: workplace, "format = human\nrotate_size = 10GiB")
                + Daemon.file("brief.log", in: workplace, "rotate_size = 64KiB\nkeep = 2\ncompress = none")
        }

        private func comparison(_ name: String, _ sent: URL) throws -> Identifiers.Comparison {
            try Identifiers.files(named: name, in: workplace).compared(with: sent, in: workplace)
        }

        @Test(arguments: faults)
        func `calls that fail for a while are waited for without spinning, and then everything goes on`(
            fault: Fault
        ) throws {
            let feeder = try Feeder(rate: 1500, rotateBytes: 1 << 20, seed: 5, in: workplace)
            let daemon = try Daemon(
                reading: feeder.pattern, sections: sections, settings: "segment_size = 1MiB\nqueue_size = 64MiB",
                in: workplace)
            let child = try daemon.start()
            let ordinary = try ordinaryLoad(of: child)

            let injection = try Injection(fault.calls, failWith: fault.error, in: child.pid, workplace)
            let before = ProcessStatus(child.pid).processorSeconds
            let fed = feeder.events
            try eventually("calls have failed, and three seconds of load have come") {
                !child.isRunning || injection.count >= 3 && feeder.events > fed + 3 * 1275
            }
            let used = ProcessStatus(child.pid).processorSeconds - before
            let (seconds, count) = (injection.seconds, injection.count)
            #expect(child.isRunning, "\(child.errors)")
            #expect(used < 2 * ordinary * seconds + 0.5, "\(used) s of processor time in \(seconds) s")
            #expect(
                Double(count) < (60 + 60 * seconds) * Double(fault.callsEach),
                "\(count) calls have failed in \(seconds) s")
            try injection.stop()

            _ = try feeder.stop()
            try eventually("both files have every event") {
                guard child.isRunning else { return true }
                return ["json", "human"].allSatisfy {
                    Identifiers.files(named: $0, in: workplace).haveAll(of: feeder.identifiers, in: workplace)
                }
            }
            let end = try child.stop()
            #expect(end.status == 0, "\(end.errors)")
            for name in ["json", "human"] {
                let got = try comparison(name, feeder.identifiers)
                #expect(got.isExact, "\(name): \(got); \(end.errors)")
            }
            print("\(fault.testDescription): \(count) calls failed in \(seconds) s, \(used) s of processor time")
        }

        /// Processor seconds that connlog needs each second while nothing is wrong.
        private func ordinaryLoad(of child: Child) throws -> Double {
            func waitFor(_ events: Int) throws {
                try eventually("\(events) events have come") {
                    !child.isRunning || workplace.lines("human.log").count >= events
                }
                #expect(child.isRunning, "\(child.errors)")
            }
            try waitFor(500)
            let (begun, before) = (ContinuousClock.now, ProcessStatus(child.pid).processorSeconds)
            try waitFor(3500)
            return (ProcessStatus(child.pid).processorSeconds - before) / ((ContinuousClock.now - begun) / .seconds(1))
        }

        /// connlog with a file sink of its own, and 900 lines to deliver.
        private struct Once {
            let place: Workplace
            let log: GeneratedLog
            let daemon: Daemon

            init(_ log: GeneratedLog) throws {
                self.log = log
                place = try Workplace()
                daemon = try Daemon(
                    reading: log.log, sections: Daemon.file("json.log", in: place, "rotate_size = 128KiB\nkeep = 0"),
                    settings: "segment_size = 1MiB\nqueue_size = 64MiB\nshutdown_timeout = 2s", in: place)
            }

            /// Runs it to its end under strace.
            /// - Parameter injection: what happens to which of these calls, such as `error=EIO:when=3`; the number is
            ///   each thread's own.
            /// - Returns: its end, and how many calls that happened to.
            func run(_ calls: String, _ injection: String) throws -> (end: Child.End, injected: Int) {
                let trace = place.url("strace-\(UUID().uuidString.prefix(8))")
                let end = try Child.run(
                    "/usr/bin/env",
                    [
                        "strace", "-f", "-qq", "-o", trace.path, "-e", "trace=\(calls)", "-e",
                        "inject=\(calls):\(injection)", Project.connlog.path, "run", "--once", "--config",
                        daemon.configuration.path,
                    ], in: place)
                return (end, read(trace).split(separator: "\n").count { $0.contains("(INJECTED)") })
            }

            /// What was only half packed or not yet removed is seen to at the next start.
            func expectAllThereAfterTheNextStart(_ what: String) throws {
                let next = try daemon.once()
                #expect(next.status == 0, "\(what): \(next.errors)")
                let got = try Identifiers.files(named: "json", in: place).compared(with: log.identifiers, in: place)
                #expect(got.isExact, "\(what): \(got); \(next.errors)")
            }
        }

        @Test(arguments: ["fdatasync", "fsync", "pwrite64", "renameat2,rename", "write"])
        func `a call that fails once, whichever it is, costs nothing`(calls: String) throws {
            let log = try GeneratedLog(lines: 900, seed: 9, in: workplace)
            var failed = 0
            for number in 1...8 {
                let once = try Once(log)
                let (end, injected) = try once.run(calls, "error=EIO:when=\(number)")
                failed += injected
                // A queue that cannot even be made is the one thing that is told and ended for.
                #expect(end.status == 0 || end.errors.contains("cannot be used"), "\(calls) \(number): \(end)")
                try once.expectAllThereAfterTheNextStart("\(calls), number \(number)")
            }
            #expect(failed > 0, "\(calls) is never called")
            print("\(calls): one of the first 8 calls of a thread failed, \(failed) times")
        }

        @Test
        func `a file that cannot be cut back at once after a crash is cut back later, and nothing is in it twice`()
            throws
        {
            let log = try GeneratedLog(lines: 900, seed: 9, in: workplace)
            var failed = 0
            for number in 1...8 {
                let once = try Once(log)
                let killed = try once.run("fdatasync", "signal=SIGKILL:when=\(number)")
                let (end, injected) = try once.run("ftruncate", "error=EIO:when=1")
                failed += injected
                #expect(end.status == 0, "killed at sync \(number) (\(killed.end.status)): \(end)")
                try once.expectAllThereAfterTheNextStart("killed at sync \(number)")
            }
            #expect(failed > 0, "ftruncate is never called")
            print("ftruncate: the first cut after a crash failed, \(failed) times")
        }
    }

    /// A disk that really fills up.
    @Suite(
        .enabled(if: SmallDisk.canMountImages, "mounting an image takes root and a loop device"))
    struct FullDiskTests {
        @Test func `a full ext4 under queue and sink is waited for without spinning, and room lets both go on`() throws
        {
            let workplace = try Workplace()
            let disk = try SmallDisk(ext4Mebibytes: 96, at: "data", in: workplace)
            defer { withExtendedLifetime(disk) {} }
            try Data(count: 72 << 20).write(to: workplace.url("data/ballast"))
            let feeder = try Feeder(rate: 4000, rotateBytes: 2 << 20, seed: 6, in: workplace)
            let daemon = try Daemon(
                reading: feeder.pattern,
                sections: Daemon.file("data/events.jsonl", in: workplace) + Daemon.file("events.jsonl", in: workplace),
                settings: "segment_size = 1MiB", in: workplace)
            let child = try daemon.start()
            try eventually("connlog says that the disk is full") {
                !child.isRunning || child.errors.contains("is full") || child.errors.contains("min_free")
            }
            let (fed, begun) = (feeder.events, ContinuousClock.now)
            let before = ProcessStatus(child.pid).processorSeconds
            try eventually("three more seconds of load have come") {
                feeder.events > fed + 3 * 3400
            }
            let used = ProcessStatus(child.pid).processorSeconds - before
            let seconds = (ContinuousClock.now - begun) / .seconds(1)
            #expect(child.isRunning, "\(child.errors)")
            #expect(used < 0.5 * seconds, "\(used) s of processor time in \(seconds) s")

            _ = try feeder.stop()
            try FileManager.default.removeItem(at: workplace.url("data/ballast"))
            let files = ["data/events.jsonl", "events.jsonl"].map { Identifiers(files: [workplace.url($0)]) }
            try eventually("both files have every event") {
                !child.isRunning
                    || files.allSatisfy { $0.haveAll(of: feeder.identifiers, in: workplace) }
            }
            let end = try child.stop()
            #expect(end.status == 0, "\(end.errors)")
            for file in files {
                let got = try file.compared(with: feeder.identifiers, in: workplace)
                #expect(got.isExact, "\(file.files): \(got); \(end.errors)")
            }
            print("full ext4: \(used) s of processor time in \(seconds) s, then all of \(fed) and more events")
        }
    }
}
