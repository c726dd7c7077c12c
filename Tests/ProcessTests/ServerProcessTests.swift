#if Server
import ConnlogTestSupport
import Foundation
import Glibc
import Testing

extension ProcessTests {
    /// What happens to the process that answers questions is no business of the one that forwards.
    @Suite struct ServerProcessTests {
        private let workplace: Workplace

        init() throws { workplace = try Workplace() }

        private func daemon(_ sections: String = "", server: String = "") throws -> ServerDaemon {
            _ = try workplace.write("", to: "live.log")
            return try ServerDaemon(
                reading: workplace.url("live.log"), sections: Daemon.file("out.jsonl", in: workplace) + sections,
                server: server, in: workplace)
        }

        /// Writes so many more events into the log, and waits until the file has all of them.
        private func feed(_ numbers: Range<Int>, _ child: Child) throws {
            let file = try FileHandle(forWritingTo: workplace.url("live.log"))
            try file.seekToEnd()
            for number in numbers { try file.write(contentsOf: Data((TestEvents.line(number) + "\n").utf8)) }
            try file.close()
            let expected = (0..<numbers.upperBound).map { TestEvents.id($0) }
            try eventually("\(numbers.upperBound) events are forwarded") {
                !child.isRunning || delivered().count >= expected.count
            }
            #expect(delivered() == expected, "\(child.errors.suffix(2000))")
        }

        private func delivered() -> [String] {
            read(workplace.url("out.jsonl")).split(separator: "\n").compactMap { line in
                guard let found = line.range(of: "\"ID\":\"") else { return nil }
                return String(line[found.upperBound...].prefix(36))
            }
        }

        /// The process that `connlog run` has started.
        private func server(of child: Child) throws -> Int32 {
            var found: Int32?
            try eventually("there is a server process") {
                let numbers = try FileManager.default.contentsOfDirectory(atPath: "/proc").compactMap { Int32($0) }
                found = numbers.first { number in
                    let fields = read(URL(filePath: "/proc/\(number)/stat")).split(separator: ")").last?.split(
                        separator: " ")
                    let isRunning = fields?.first != "Z"
                    return isRunning && fields.flatMap { $0.count > 1 ? Int32($0[1]) : nil } == child.pid
                }
                return found != nil || !child.isRunning
            }
            return try #require(found, "\(child.errors)")
        }

        private func descriptors(of pid: Int32) throws -> Int {
            try FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/fd").count
        }

        @Test(arguments: [SIGSEGV, SIGILL, SIGKILL, SIGABRT])
        func `a server that crashes is started again, and events go on meanwhile`(signal: Int32) throws {
            let daemon = try daemon()
            let child = try daemon.start()
            try feed(0..<100, child)
            let first = try server(of: child)
            kill(first, signal)
            try feed(100..<200, child)
            try eventually("it is said in the log") {
                !child.isRunning || child.errors.contains("has ended (signal \(signal))")
            }
            try eventually("it answers again") { try daemon.command(["status"]).output.contains("DELIVERED") }
            #expect(try server(of: child) != first)
            try daemon.waitForEvents(200)
            let end = try child.stop()
            #expect(end.status == 0, "\(end.errors)")
        }

        @Test func `while somebody else has the port events go on, and the server takes it when it is free`() throws {
            let daemon = try daemon()
            let other = try hold(["listen", "\(daemon.port)"])
            let child = try daemon.run()
            try feed(0..<100, child)
            try eventually("the log says why nobody is served") {
                !child.isRunning || child.errors.contains("Address already in use: another program listens there")
            }
            #expect(child.errors.components(separatedBy: "Address already in use").count == 2)
            // Whoever may enter the data directory is served all the same.
            let status = try daemon.command(["status"])
            #expect(status.status == 0 && status.output.contains("Address already in use"), "\(status)")
            other.closeInput()
            _ = try other.wait()
            try eventually("it listens") { !child.isRunning || child.errors.contains("listening at") }
            try daemon.waitForEvents(100)
            try child.stop()
        }

        /// Somebody else, with a port or many connections, until its input is closed.
        private func hold(_ arguments: [String]) throws -> Child {
            let tool = Project.tools.appending(path: "hold_port.py").path
            let child = try Child("/usr/bin/env", ["python3", tool] + arguments, in: workplace, named: "hold")
            try eventually("it is held") { !child.isRunning || child.output.contains("held") }
            return child
        }

        @Test func `a certificate that is not there yet keeps nothing from being forwarded`() throws {
            let tls = "tls_cert = \(workplace.path("tls.pem"))\ntls_key = \(workplace.path("tls.key"))"
            let daemon = try daemon(server: tls)
            let child = try daemon.run()
            try feed(0..<100, child)
            try eventually("the log says what is missing") {
                !child.isRunning || child.errors.contains("its certificate cannot be used")
            }
            let certificates = try TestCertificates()
            try certificates.make("server", "IP:127.0.0.1")
            for name in ["key", "pem"] {
                try FileManager.default.copyItem(
                    atPath: certificates.path("server.\(name)"), toPath: workplace.path("tls.\(name)"))
            }
            try eventually("it listens") { !child.isRunning || child.errors.contains("listening at https") }
            try child.stop()
        }

        @Test func `a flood of connections takes none of the descriptors that forwarding needs`() throws {
            let daemon = try daemon()
            let child = try daemon.start()
            let before = try descriptors(of: child.pid)
            let flood = try hold(["connect", "\(daemon.port)", "1500"])
            try feed(0..<400, child)
            #expect(try descriptors(of: child.pid) < before + 10)
            flood.closeInput()
            let end = try child.stop()
            #expect(end.status == 0, "\(end.errors.suffix(2000))")
        }

        @Test func `the server works when others leave time, with each of its threads`() throws {
            let child = try daemon().start()
            let tasks = "/proc/\(try server(of: child))/task"
            try eventually("every thread has stepped back") {
                let threads = try FileManager.default.contentsOfDirectory(atPath: tasks)
                return threads.allSatisfy { thread in
                    // proc(5): from the state, which is the third field; niceness is the 19th, the policy the 41st.
                    let fields = read(URL(filePath: "\(tasks)/\(thread)/stat")).split(separator: ")").last?
                        .split(separator: " ")
                    guard let fields, fields.count > 38 else { return false }
                    return fields[16] == "19" && fields[38] == "3"
                }
            }
            #expect(try child.stop().status == 0)
        }

        @Test func `a server that stands still holds up neither events nor the end`() throws {
            let daemon = try daemon("[source \"programs\"]\ntype = ingest\n")
            let child = try daemon.start()
            let server = try server(of: child)
            kill(server, SIGSTOP)
            // Enough changes of the store to fill what the channel takes, if each were told.
            for round in 0..<20 { try feed(round * 50..<round * 50 + 50, child) }
            let end = try child.stop()
            #expect(end.status == 0, "\(end.errors.suffix(2000))")
            #expect(kill(server, 0) != 0)
        }

        @Test func `the server ends with the forwarder, however that ends`() throws {
            let daemon = try daemon()
            let child = try daemon.start()
            let server = try server(of: child)
            child.signal(SIGKILL)
            _ = try child.wait()
            try eventually("the server has ended") { kill(server, 0) != 0 || isZombie(server) }
        }

        private func isZombie(_ pid: Int32) -> Bool {
            read(URL(filePath: "/proc/\(pid)/stat")).split(separator: ")").last?.hasPrefix(" Z") == true
        }

        @Test func `the commands reach it by a socket of its owner's, however long the directory's name is`() throws {
            let directory = "data/" + String(repeating: "d", count: 120)
            let log = try workplace.write(TestEvents.line(0) + "\n", to: "live.log")
            let daemon = try ServerDaemon(reading: log, in: workplace)
            let text = try String(contentsOf: daemon.daemon.configuration, encoding: .utf8)
                .replacing(workplace.path("data"), with: workplace.path(directory))
            try text.write(to: daemon.daemon.configuration, atomically: true, encoding: .utf8)
            let child = try daemon.start()
            let path = workplace.path(directory + "/connlog.sock")
            try eventually("it answers there") {
                let status = try daemon.command(["status"])
                return status.status == 0 && !child.errors.isEmpty
            }
            let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
            #expect(mode.map { $0 & 0o077 } == 0)
            try eventually("the event is there") {
                try daemon.command(["events", "type:ssh"]).output.contains("workspace")
                    || (try daemon.command(["events", "--csv", "--limit", "0"]).output.contains(TestEvents.id(0)))
            }
            #expect(child.errors.contains("local@"))
            let end = try child.stop()
            #expect(end.status == 0, "\(end.errors)")
            #expect(!FileManager.default.fileExists(atPath: path))
        }
    }
}
#endif
