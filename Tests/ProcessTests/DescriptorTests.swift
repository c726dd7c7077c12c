#if Server
import ConnlogTestSupport
import Foundation
import Testing

extension ProcessTests {
    /// What the server does when the machine gives it no descriptor for a connection.
    @Suite struct DescriptorTests {
        @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/prlimit"), "there is no prlimit"))
        func `a listener that gets no descriptor does not spin, and takes connections when it does`() throws {
            let workplace = try Workplace()
            _ = try workplace.write("", to: "live.log")
            let daemon = try ServerDaemon(
                reading: workplace.url("live.log"), sections: Daemon.file("out.jsonl", in: workplace), in: workplace)
            let child = try daemon.start()
            let server = try #require(try children(of: child).first, "\(child.errors)")
            #expect(try daemon.curl("/healthz").contains("ok"))
            try limit(server, to: 8, workplace)
            let tool = Project.tools.appending(path: "hold_port.py").path
            let flood = try Child(
                "/usr/bin/env", ["python3", tool, "connect", "\(daemon.port)", "50"], in: workplace, named: "hold")
            try eventually("they wait for it") { !flood.isRunning || flood.output.contains("held") }
            // A second of its own shows it, however slow the machine is: it has used at most a small part of what went by.
            let (used, begun) = (ProcessStatus(server).processorSeconds, ContinuousClock.now)
            try eventually("some time has gone by") { ContinuousClock.now - begun > .seconds(3) }
            let share = (ProcessStatus(server).processorSeconds - used) / ((ContinuousClock.now - begun) / .seconds(1))
            #expect(share < 0.3, "it uses \(share) of a processor for nothing")
            try limit(server, to: 1024, workplace)
            flood.closeInput()
            _ = try flood.wait()
            try eventually("it answers again") {
                try !child.isRunning || daemon.curl("/healthz", ["--max-time", "5"]).contains("ok")
            }
            let end = try child.stop()
            #expect(end.status == 0, "\(end.errors.suffix(2000))")
        }

        private func limit(_ process: Int32, to count: Int, _ workplace: Workplace) throws {
            let arguments = ["prlimit", "--pid", "\(process)", "--nofile=\(count):"]
            let run = try Child.run("/usr/bin/env", arguments, in: workplace)
            #expect(run.status == 0, "\(run.errors)")
        }

        /// Those of any of its threads.
        private func children(of child: Child) throws -> [Int32] {
            let tasks = "/proc/\(child.pid)/task"
            return try FileManager.default.contentsOfDirectory(atPath: tasks).flatMap { task in
                read(URL(filePath: "\(tasks)/\(task)/children")).split(separator: " ").compactMap { Int32($0) }
            }
        }
    }
}
#endif
