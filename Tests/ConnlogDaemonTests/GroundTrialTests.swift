import ConnlogConfig
import ConnlogCore
import ConnlogDaemon
import ConnlogPipeline
import ConnlogSystem
import ConnlogTestSupport
import ConnlogTools
import Foundation
import Testing

@Suite struct GroundTrialTests {
    /// What is found about a configuration with these lines, in a folder of its own.
    private func run(
        _ lines: String, prepare: (URL) throws -> Void = { _ in }
    ) async throws -> (outcomes: [SinkTrial.Outcome], left: [String], folder: String) {
        let folder = FileManager.default.temporaryDirectory.appending(path: "ground-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = folder.appending(path: "connlog.ini")
        try lines.replacing("HERE", with: folder.path).write(to: file, atomically: true, encoding: .utf8)
        try prepare(folder)
        let loaded = Registry.connlog.load(file.path)
        let configuration = try #require(loaded.configuration, "\(loaded.summary)")
        let plan = Plan(configuration, version: "1.2.3") { _, _ in }
        let outcomes = await GroundTrial(configuration, .connlog, directories: plan.directories).run()
        return (outcomes, try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted(), folder.path)
    }

    private let parts = """
        [source "coderd"]
        type = file
        path = HERE/*.log

        [sink "s"]
        type = file
        path = HERE/out

        """

    @Test func `a directory to be made and a log with events are good, and nothing is left behind`() async throws {
        let (outcomes, left, folder) = try await run(
            "[connlog]\ndata_dir = HERE/a/b\nqueue_size = 4MiB\nsegment_size = 1MiB\n" + parts
        ) {
            folder in
            try (TestEvents.line(1) + "\nnoise\n").write(
                to: folder.appending(path: "coderd.log"), atomically: true, encoding: .utf8)
            try "packed".write(to: folder.appending(path: "x.log.gz"), atomically: true, encoding: .utf8)
        }
        #expect(left == ["coderd.log", "connlog.ini", "x.log.gz"])
        #expect(outcomes.map(\.part) == ["data_dir", "source"])
        #expect(outcomes[0].findings.map(\.verdict) == [.good, .good])
        #expect(outcomes[0].findings[0].text == "\(folder)/a/b will be made under \(folder), which can be written")
        #expect(
            outcomes[1].findings
                == [.good("1 file for \(folder)/*.log can be read; 1 connection event in the first 2 lines")])
    }

    @Test func `a pattern without a file, and a file without an event, are doubtful`() async throws {
        let none = try await run("[connlog]\ndata_dir = HERE\n" + parts)
        #expect(none.outcomes[1].findings.map(\.verdict) == [.doubtful])
        #expect(none.outcomes[1].findings[0].text.hasPrefix("no file matches"))
        let other = try await run("[connlog]\ndata_dir = HERE\n" + parts) { folder in
            try "some\nother log\n".write(to: folder.appending(path: "x.log"), atomically: true, encoding: .utf8)
        }
        #expect(other.outcomes[1].findings.map(\.verdict) == [.doubtful])
        #expect(other.outcomes[1].findings[0].text.contains("0 connection events in the first 2 lines: is this"))
    }

    @Test func `a file in the way of the data directory fails`() async throws {
        let found = try await run("[connlog]\ndata_dir = HERE/connlog.ini/data\n" + parts)
        #expect(found.outcomes[0].hasFailed)
    }

    @Test func `a queue that may become larger than the disk is doubtful`() async throws {
        let found = try await run("[connlog]\ndata_dir = HERE\nqueue_size = 8000000TiB\n" + parts)
        #expect(found.outcomes[0].findings.contains { $0.verdict == .doubtful && $0.text.contains("lower queue_size") })
    }

    @Test(.enabled(if: VolatileDirectory.kind(of: "/dev/shm") == "tmpfs", "/dev/shm is no tmpfs here"))
    func `a data directory in memory is told, with what that means`() async throws {
        let name = "/dev/shm/connlog-\(UUID().uuidString)"
        let (outcomes, _, _) = try await run("[connlog]\ndata_dir = \(name)\n" + parts)
        let words = outcomes[0].findings.filter { $0.verdict == .doubtful }.map(\.text)
        #expect(words.contains { $0.hasPrefix("\(name) lies in memory (tmpfs)") && $0.contains("on a disk") })
        #expect(VolatileDirectory.kind(of: "/proc") == nil && VolatileDirectory.kind(of: "/nowhere at all") == nil)
    }

    @Test func `a file of names is read, and a mistake in it fails with its line`() async throws {
        let lines =
            "[connlog]\ndata_dir = HERE/a\n" + parts
            + "[directory \"people\"]\ntype = csv\npath = HERE/users.csv\n"
        let (good, _, folder) = try await run(lines) { folder in
            try "id,username\n6dea5f8c-ecec-4cf0-a5bd-bc2c63af2efa,bob\n".write(
                to: folder.appending(path: "users.csv"), atomically: true, encoding: .utf8)
        }
        #expect(good.last?.part == "directory" && good.last?.name == "people")
        #expect(good.last?.findings == [.good("\(folder)/users.csv has 1 user")])
        let (bad, _, other) = try await run(lines) { folder in
            try "id,username\n7,bob\n".write(
                to: folder.appending(path: "users.csv"), atomically: true, encoding: .utf8)
        }
        #expect(
            bad.last?.findings == [
                .failed("\(other)/users.csv: line 2: the id '7' is not a UUID; there would be no names from it")
            ])
    }

    @Test func `a port is told to be free, taken, taken by this connlog, or none to be had`() {
        func verdict(_ trial: ListeningTrial, _ port: Int, holder: Int32? = nil) -> TrialFinding {
            GroundTrial.listening(trial, "127.0.0.1:\(port)", port, holder: holder)
        }
        #expect(verdict(.free, 8680) == .good("connections can be taken at 127.0.0.1:8680"))
        #expect(verdict(.taken, 8680, holder: 7).verdict == .good)
        let taken = verdict(.taken, 8680)
        #expect(taken.verdict == .failed && taken.text.contains("give listen another port"), "\(taken)")
        #expect(verdict(.failed("denied"), 443).text.contains("ports below 1024 need a right of their own"))
        #expect(verdict(.failed("no such address"), 8680).text.contains("an address of this machine"))
    }

    @Test func `a certificate is told to be good, soon over, over, not yet good, or of no use`() throws {
        let certificates = try TestCertificates()
        try certificates.make("good", "IP:127.0.0.1")
        try certificates.make("other", "IP:127.0.0.1")
        try certificates.make("old", "IP:127.0.0.1", isExpired: true)
        try certificates.make("locked", "IP:127.0.0.1")
        try certificates.encrypt("locked")
        let now = SystemWallTime().now()
        func look(_ name: String, key: String? = nil) -> CertificateLook {
            CertificateLook.run(
                certificate: certificates.path("\(name).pem"), key: certificates.path("\(key ?? name).key"))
        }
        func finding(_ look: CertificateLook, _ now: Nanoseconds) -> TrialFinding {
            GroundTrial.certificate(look, "tls.pem", now: now)
        }
        let day: Nanoseconds = 86_400_000_000_000
        let long = CertificateLook.good(from: 0, until: 100 * 86_400)
        #expect(finding(long, 85 * day).verdict == .good && finding(long, 86 * day).verdict == .doubtful)
        #expect(finding(long, 100 * day - 1).verdict == .doubtful && finding(long, 100 * day).verdict == .failed)
        #expect(finding(long, -1_000_000_000).text.contains("is the machine's clock right?"))
        // Test certificates are good for a day or two.
        #expect(finding(look("good"), now).verdict == .doubtful)
        #expect(finding(look("old"), now).text.contains("was good until"))
        for (look, file, word) in [
            (look("good", key: "other"), "other.key", "mismatch"), (look("locked"), "locked.key", "decrypt"),
            (look("nothing", key: "good"), "nothing.pem", "No such file"),
            (look("good", key: "none"), "none.key", "No such"),
        ] {
            let found = finding(look, now)
            #expect(found.verdict == .failed && found.text.contains(file) && found.text.contains(word), "\(found)")
        }
        let noise = certificates.path("noise.pem")
        try "no certificate\n".write(toFile: noise, atomically: true, encoding: .utf8)
        #expect(
            finding(CertificateLook.run(certificate: noise, key: certificates.path("good.key")), now).text.contains(
                noise))
    }

    #if Server
    @Test func `the certificate of [server] is looked at, and organizations that nobody knows are told without trying`()
        async throws
    {
        let certificates = try TestCertificates()
        try certificates.make("old", "IP:127.0.0.1", isExpired: true)
        let hash = String(repeating: "0a", count: 32)
        let free = try LoopbackListener { _ in }
        free.stop()
        let lines =
            "[connlog]\ndata_dir = HERE/data\n" + parts
            + "[store]\ntype = sqlite\n[server]\nlisten = 127.0.0.1:\(free.port)\ntls_cert = \(certificates.path("old.pem"))\n"
            + "tls_key = \(certificates.path("old.key"))\n[access \"jane\"]\nrole = auditor\n"
            + "token_sha256 = \(hash)\norganizations = nowhere, \(ToldEvent.uuid(900))\n"
        let (outcomes, _, _) = try await run(lines)
        let found = try #require(outcomes.first { $0.part == "server" })
        #expect(found.hasFailed && found.findings.contains { $0.text.contains("was good until") }, "\(found)")
        let access = try #require(outcomes.first { $0.part == "access" })
        #expect(access.findings.map(\.verdict) == [.doubtful] && access.findings[0].text.contains("'nowhere'"))
    }

    @Test func `a port that somebody else has is found by the trial itself`() async throws {
        let other = try LoopbackListener { _ in }
        defer { other.stop() }
        let lines = { (port: Int) in
            "[connlog]\ndata_dir = HERE/data\n" + self.parts
                + "[store]\ntype = sqlite\n[server]\nlisten = 127.0.0.1:\(port)\nopen = true\n"
        }
        let (outcomes, _, _) = try await run(lines(other.port))
        let found = try #require(outcomes.first { $0.part == "server" })
        #expect(found.hasFailed && found.findings[0].text.contains("is taken by another program"), "\(found)")
    }

    @Test(arguments: [("engneering", true), ("engineering", false), ("\(UUID())", false)])
    func `an organization that no directory knows is doubtful`(name: String, isDoubtful: Bool) async throws {
        let lines =
            "[connlog]\ndata_dir = HERE/data\n" + parts + "[store]\ntype = sqlite\n[server]\nlisten = 127.0.0.1:8680\n"
            + "[access \"a\"]\nrole = auditor\ntoken_sha256 = \(String(repeating: "0a", count: 32))\n"
            + "organizations = \(name)\n[directory \"d\"]\ntype = csv\npath = HERE/orgs.csv\n"
        let (outcomes, _, _) = try await run(lines) { folder in
            try "id,name,display_name,icon\n6dea5f8c-ecec-4cf0-a5bd-bc2c63af2efa,engineering,Engineering,\n".write(
                to: folder.appending(path: "orgs.csv"), atomically: true, encoding: .utf8)
        }
        let found = outcomes.filter { $0.part == "access" }.flatMap(\.findings)
        #expect(found.count == (isDoubtful ? 1 : 0), "\(found)")
        #expect(
            found.allSatisfy {
                $0.verdict == .doubtful && $0.text.contains("'engneering'")
                    && $0.text.contains("correct it, or write its id")
            })
    }
    #endif
}
