import ConnlogConfig
import ConnlogTestSupport
import Foundation
import Testing

@Suite struct ConfigurationTests {
    @Test func `whoever needs the values of some sections only is not stopped by credentials of others`() throws {
        let folder = try ConfigFolder()
        try folder.write(
            """
            [connlog]
            data_dir = /var/lib/x
            [source "c"]
            type = stdin
            [sink "s"]
            type  = splunk_hec
            url   = ${env:NOT_SET}
            token = ${credential:hec}
            proxy = ${file:/not/there}
            """, to: "connlog.ini")
        let path = folder.path + "/connlog.ini"
        func load(_ kinds: Set<String>?) -> LoadedConfiguration {
            Configuration.load(path, schemas: TestSchemas.all, environment: Environment([:]), valuesOf: kinds)
        }
        #expect(load(nil).diagnostics.count == 3 && load(["sink"]).diagnostics.count == 3)
        let loaded = load(["connlog"])
        #expect(loaded.diagnostics.isEmpty)
        #expect(loaded.configuration?.connlog.string("data_dir") == "/var/lib/x")
        #expect(loaded.configuration?.sections(ofKind: "sink").map(\.name) == ["s"])
        try folder.write("[connlog]\ndata_dir = ${env:NOT_SET}\n[source \"c\"]\ntype = stdin\n", to: "connlog.ini")
        #expect(load(["connlog"]).configuration == nil)
    }

    @Test func `a credential that is not read is made up for secrets alone, and told elsewhere`() throws {
        let folder = try ConfigFolder()
        try folder.write(
            """
            [connlog]
            data_dir = ${credential:place}
            include  = ${credential:more}
            [source "c"]
            type = stdin
            [sink "s"]
            type  = splunk_hec
            url   = ${credential:url}
            token = Splunk ${credential:hec}
            batch_wait = ${credential:wait}
            labels = a
            """, to: "connlog.ini")
        var environment = Environment([:])
        environment.readsCredentials = false
        let loaded = Configuration.load(
            folder.path + "/connlog.ini", schemas: TestSchemas.all, environment: environment)
        let configuration = try #require(loaded.configuration)
        #expect(loaded.diagnostics.map(\.severity) == [.warning, .warning, .warning, .warning])
        #expect(loaded.diagnostics.map(\.place.line) == [2, 3, 8, 10])
        #expect(loaded.summary == "4 warnings")
        // As without the lines, and the secret is something.
        #expect(configuration.connlog.string("data_dir") == "/var/lib/connlog")
        let sink = try #require(configuration.sections(ofKind: "sink").first)
        #expect(sink.duration("batch_wait") == .seconds(1))
        #expect(try sink.secretReference("token")?.read().hasPrefix("Splunk ") == true)
        // Nothing that was made up is shown, or called a mistake.
        let shown = loaded.report(color: false) + configuration.effectiveText
        for text in ["0000", "stand-in", "splunk.example.com"] { #expect(!shown.contains(text), "\(shown)") }
        for key in ["url", "token", "batch_wait"] {
            let lines = configuration.effectiveText.split(separator: "\n").filter { $0.contains("  \(key) ") }
            #expect(lines.count == 1 && lines[0].hasSuffix(" = ********"), "\(lines)")
        }
        let more = ["url", "token", "batch_wait"].map { sink.error($0, "is odd") }
        #expect(loaded.adding(more).configuration != nil)
        #expect(loaded.adding([sink.error("labels", "is odd")]).configuration == nil)
        // What connlog shall be cannot be made up.
        try folder.write("[sink \"s\"]\ntype = ${credential:x}\n[source \"c\"]\ntype = stdin\n", to: "connlog.ini")
        let unknown = Configuration.load(
            folder.path + "/connlog.ini", schemas: TestSchemas.all, environment: environment)
        #expect(unknown.configuration == nil && !unknown.report(color: false).contains("0000"))
    }

    @Test(arguments: [("8484", "siem.example.com:8484"), ("localhost", "localhost:6514"), ("0", "0:6514")])
    func `the example of an address fits its key`(value: String, example: String) throws {
        let folder = try ConfigFolder()
        try folder.write(
            "[sink \"s\"]\ntype = syslog\naddress = \(value)\n[source \"c\"]\ntype = stdin\n", to: "connlog.ini")
        let report = folder.load().report(color: false)
        #expect(report.contains("write host:port, such as \(example)\n"), "\(report)")
    }

    @Test func `connlog has its defaults when no file has the section`() throws {
        let connlog = try #require(try load(minimal()).configuration).connlog
        #expect(connlog.string("data_dir") == "/var/lib/connlog")
        #expect(connlog.optionalString("hostname") == nil)
        #expect(connlog.string("durability") == "sync")
        #expect(connlog.duration("sync_interval") == .milliseconds(200))
        #expect(connlog.size("queue_size") == 8 << 30)
        #expect(connlog.size("segment_size") == 64 << 20)
        #expect(connlog.duration("shutdown_timeout") == .seconds(20))
        #expect(connlog.string("log_level") == "info")
        #expect(connlog.string("log_format") == "human")
    }

    @Test func `relative paths are relative to the file that names them`() throws {
        let folder = try ConfigFolder()
        try folder.write("[connlog]\ninclude = conf.d/*\ndata_dir = state\n" + minimal(), to: "connlog.ini")
        try folder.write(
            "[sink \"b\"]\ntype = file\npath = ../b\n[sink \"c\"]\ntype = file\npath = ${data_dir}/c\n", to: "conf.d/b")
        let configuration = try #require(folder.load().configuration)
        let paths = configuration.sections(ofKind: "sink").map { $0.string("path") }
        #expect(paths == ["/tmp/out", folder.path + "/conf.d/../b", folder.path + "/state/c"])
    }

    @Test func `a file that cannot be read says why and what to do`() throws {
        let folder = try ConfigFolder()
        let missing = folder.load("nowhere.ini")
        #expect(
            folder.neutral(missing.report(color: false))
                == "nowhere.ini: error: cannot be read: No such file or directory; make it, or name another with --config\n"
        )
        let directory = Configuration.load(folder.path, schemas: TestSchemas.all)
        #expect(directory.report(color: false).contains("Is a directory; name a file in it"))
        #expect(missing.configuration == nil && directory.configuration == nil)
    }

    @Test func `a secret in a file is read again when it changes`() throws {
        let folder = try ConfigFolder()
        try folder.write("old\n", to: "token")
        try folder.write("cred", to: "credentials/splunk")
        try folder.write(
            """
            \(minimal())
            [sink "a"]
            type = splunk_hec
            url = https://h
            token = ${file:\(folder.path)/token}
            [sink "b"]
            type = splunk_hec
            url = https://h
            token = ${credential:splunk}
            [sink "c"]
            type = splunk_hec
            url = https://h
            token = ${env:TOKEN}
            [sink "d"]
            type = splunk_hec
            url = https://h
            token = literal
            """, to: "connlog.ini")
        let loaded = folder.load(environment: [
            "TOKEN": "from-env", "CREDENTIALS_DIRECTORY": folder.path + "/credentials",
        ])
        let sinks = try #require(loaded.configuration).sections(ofKind: "sink").dropFirst()
        let references = sinks.compactMap { $0.secretReference("token") }
        #expect(sinks.map { $0.string("token") } == ["old", "cred", "from-env", "literal"])
        #expect(
            references.map(\.origin) == [
                .file(path: folder.path + "/token"),
                .credential(name: "splunk", path: folder.path + "/credentials/splunk"), .environment(name: "TOKEN"),
                .literal,
            ])
        #expect(references.map(\.canChange) == [true, true, false, false])
        try folder.write("new\n", to: "token")
        #expect(try references.map { try $0.read() } == ["new", "cred", "from-env", "literal"])
        try FileManager.default.removeItem(atPath: folder.path + "/token")
        #expect(throws: SecretError.unreadable(path: folder.path + "/token", reason: "No such file or directory")) {
            try references[0].read()
        }
    }

    @Test(arguments: [
        "abc", "abc\n", "abc\r\n", "abc\n\n", "  abc \n", "\t abc\r\n\r\n", "\u{feff}abc\n", "\u{feff} abc \r\n \n",
    ])
    func `a secret from a file has no blanks, line ends or byte order mark around it`(content: String) throws {
        let folder = try ConfigFolder()
        try folder.write(content, to: "token")
        #expect(try SecretReference(file: folder.path + "/token").read() == "abc")
    }

    @Test(arguments: ["", "\n", " \r\n", "\u{feff}"])
    func `a file of blanks alone is empty, and two lines are still no secret`(content: String) throws {
        let folder = try ConfigFolder()
        let path = folder.path + "/token"
        try folder.write(content, to: "token")
        #expect(throws: SecretError.empty(path: path)) { try SecretReference(file: path).read() }
        try folder.write("a\nb\n" + content, to: "token")
        #expect(throws: SecretError.severalLines(path: path)) { try SecretReference(file: path).read() }
    }

    @Test func `printing a section or a reference shows no secret`() throws {
        let text = minimal("[sink \"s\"]\ntype = splunk_hec\nurl = https://h\ntoken = hunter2\n")
        let section = try #require(try load(text).configuration).sections(ofKind: "sink")[1]
        let reference = try #require(section.secretReference("token"))
        for printed in ["\(section)", "\(reference)", String(reflecting: section), String(reflecting: reference)] {
            #expect(!printed.contains("hunter2"))
        }
        var dumped = ""
        dump(section, to: &dumped)
        dump(reference, to: &dumped)
        #expect(!dumped.contains("hunter2"))
    }

    @Test func `no golden outcome shows a secret`() {
        for golden in GoldenFolder("Golden/diagnostics").cases + GoldenFolder("Golden/effective").cases {
            #expect(golden.outcome?.contains("hunter") == false, "\(golden.name)")
        }
    }

    @Test func `later findings are sorted in and withdraw the configuration`() throws {
        let loaded = try load(minimal("filter = a # b\n"))
        let sink = try #require(loaded.configuration).sections(ofKind: "sink")[0]
        let more = loaded.adding([sink.error("path", "is taken; name another")])
        #expect(more.configuration == nil)
        #expect(more.summary == "1 error, 1 warning")
        #expect(more.diagnostics.map(\.severity) == [.error, .warning])
        #expect(
            more.report(color: false).contains(
                "5:8: error: [sink \"out\"] path: is taken; name another\n    path = /tmp/out\n           ^\n"))
    }

    @Test func `colour is there only when asked for`() throws {
        let loaded = try load(minimal("filtre = x\n"))
        #expect(!loaded.report(color: false).contains("\u{1B}"))
        let colored = loaded.report(color: true)
        #expect(colored.contains("\u{1B}[1;31merror:\u{1B}[0m"))
        let plain = colored.replacing(#/\u{1B}\[[0-9;]*m/#, with: "")
        #expect(plain == loaded.report(color: false))
    }
}
