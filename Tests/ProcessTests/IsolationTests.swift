import ConnlogTestSupport
import Foundation
import Testing

extension ProcessTests {
    /// A sink does not wait for another one, shown by cause and effect rather than by the clock: while the other one gets
    /// nothing done at all, each event is awaited at this one before the next is written.
    @Suite struct IsolationTests {
        enum Other: String, CaseIterable, Sendable {
            /// Nobody listens.
            case deadSyslog
            /// The connection is taken and never read from.
            case hungSyslog
            /// The same, when it may lag by a little only and drops what is too much.
            case hungAndFullSyslog
            /// The request is read and never answered.
            case hungSplunk
            /// Each request is refused as too busy.
            case busySplunk
        }

        /// What the other sink sends to, which is never done with anything.
        private final class NeverDone {
            let sections: String
            private let listener: LoopbackListener?
            private let server: HTTPServer?
            private let over = DispatchSemaphore(value: 0)

            init(_ other: Other, in workplace: Workplace) throws {
                var listener: LoopbackListener?
                var server: HTTPServer?
                switch other {
                case .deadSyslog:
                    let port = try Ports.free(1, in: workplace)[0]
                    sections = Daemon.syslog("other", "transport = tcp\naddress = 127.0.0.1:\(port)")
                case .hungSyslog, .hungAndFullSyslog:
                    let over = over
                    let hung = try LoopbackListener { _ in over.wait() }
                    listener = hung
                    let full = other == .hungSyslog ? "" : "\nqueue_size = 4MiB\non_full = drop_oldest"
                    sections = Daemon.syslog("other", "transport = tcp\naddress = 127.0.0.1:\(hung.port)\(full)")
                case .hungSplunk, .busySplunk:
                    let busy = #"{"text":"Server is busy","code":9}"#
                    let answering = try HTTPServer(answer: { _ in
                        other == .hungSplunk ? .silence : .reply(status: 503, body: busy)
                    })
                    server = answering
                    sections = Daemon.splunk("other", port: answering.port)
                }
                self.listener = listener
                self.server = server
            }

            deinit {
                over.signal()
                listener?.stop()
                server?.stop()
            }
        }

        @Test(arguments: Other.allCases)
        func `each event arrives before the next is written, while another sink gets nothing done`(other: Other) throws
        {
            let workplace = try Workplace()
            let generated = try GeneratedLog(lines: 30_000, seed: 4, in: workplace)
            let lines = read(generated.log).split(separator: "\n").filter { $0.contains("\"connection_log\"") }
            let log = try workplace.write("", to: "coderd.log")
            let never = try NeverDone(other, in: workplace)
            let daemon = try Daemon(
                reading: log, sections: Daemon.file("events.jsonl", in: workplace) + never.sections,
                settings: "shutdown_timeout = 1s\nsegment_size = 1MiB", in: workplace)
            let child = try daemon.start()
            let handle = try FileHandle(forWritingTo: log)
            // First as much as fills the kernel's buffers on the other one's way, and its quota where it has a small one.
            let heap = lines.count - 200
            var size = 0
            func write(_ part: some Collection<Substring>) throws {
                let text = part.map { $0 + "\n" }.joined()
                try handle.write(contentsOf: Data(text.utf8))
                size += text.utf8.count
            }
            func awaitAll(_ what: String) throws {
                try eventually("\(what) is in the file") {
                    !child.isRunning || Self.size(of: workplace.url("events.jsonl")) >= size
                }
                #expect(child.isRunning, "\(child.errors)")
            }
            try write(lines[..<heap])
            try awaitAll("the heap")
            for number in heap..<lines.count {
                try write(lines[number...number])
                try awaitAll("line \(number)")
            }
            #expect(workplace.lines("events.jsonl") == lines)
            let end = try child.stop()
            // The other one has its events still before it, or has counted what it lost.
            #expect(end.status == 3, "\(end.errors)")
        }

        private static func size(of file: URL) -> Int {
            (try? FileManager.default.attributesOfItem(atPath: file.path)[.size] as? Int) ?? 0
        }
    }
}
