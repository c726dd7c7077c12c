import ConnlogTestSupport
import Foundation
import Testing

extension ProcessTests {
    /// `connlog replay` for a real receiver that has lost something.
    @Suite struct ReplayPeerTests {
        @Test func `rsyslog gets the events of the range once more over RELP, in order and whole, beside the daemon`()
            throws
        {
            let workplace = try Workplace()
            let generated = try GeneratedLog(lines: 4000, seed: 21, withMessages: true, in: workplace)
            let rsyslog = try SyslogPeer(.rsyslog, try .forPeers(), in: workplace)
            let port = try #require(rsyslog.ports[.relp])
            // The events lie in rotated and compressed files, in the file that grows, and some in the queue as well.
            let daemon = try Daemon(
                reading: generated.log,
                sections: Daemon.file("events.jsonl", in: workplace, "rotate_size = 256KiB\nkeep = 0")
                    + Daemon.syslog("siem", "transport = relp\naddress = 127.0.0.1:\(port)"), in: workplace)
            let child = try daemon.start()
            let sent = try Message.all(in: generated.messages)
            expectSame(try rsyslog.messages(.relp, count: sent.count), sent, "the first time")

            let times = sent.map(\.timestamp).sorted()
            let (from, to) = (wholeSecond(times[times.count / 4]), wholeSecond(times[times.count * 3 / 4]))
            let wanted = sent.filter { from <= $0.timestamp && $0.timestamp < to }
            try #require(wanted.count > sent.count / 3)
            let said = try Child.run(
                Project.connlog.path,
                [
                    "replay", "--config", daemon.configuration.path, "--sink", "siem", "--from", from + "Z", "--to",
                    to + "Z", "--json",
                ], in: workplace)
            #expect(said.status == 0, "\(said.output)\(said.errors)")
            #expect(said.output.contains("\"delivered\": \(wanted.count)"), "\(said.output)")

            let end = try child.stop()
            #expect(end.status == 0, "\(end.errors)")
            try rsyslog.stop()
            // Nothing else came meanwhile, and the daemon sent nothing again.
            let all = try Message.all(in: rsyslog.output(.relp))
            expectSame(Array(all.dropFirst(sent.count)), wanted, "the second time")
        }

        /// What a time begins with, down to the second; it sorts before all times of that second.
        private func wholeSecond(_ time: String) -> String { String(time.prefix { $0 != "." }) }
    }
}
