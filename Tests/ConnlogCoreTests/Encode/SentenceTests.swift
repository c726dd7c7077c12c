import ConnlogCore
import ConnlogSystem
import Testing

@Suite struct SentenceTests {
    @Test(
        arguments: zip(
            1...,
            [
                "ssh session to dev (main) opened from fd7a:115c:a1e0:4b86:9046:80e:6c70:33b7",
                "ssh session to dev (main) from fd7a:115c:a1e0:4b86:9046:80e:6c70:33b7 closed with code 0",
                "ssh session to cool-workspace from 127.0.0.1 closed with code 500: because error says so",
                "vscode session to cool-workspace opened from 8.8.8.8",
                "jetbrains session to cool-workspace opened from 127.0.0.1",
                "reconnecting_pty session to cool-workspace opened",
                "reconnecting_pty session to dev (main) from fd7a:115c:a1e0:4b86:9046:80e:6c70:33b7 closed with code 1: signal: killed",
                "6dea5f8c-ecec-4cf0-a5bd-bc2c63af2efa opened code-server in dev (main) from 127.0.0.1 with status 200",
                "unauthenticated visitor was refused code-server in dev (main) from 203.0.113.7 with status 404",
                "6dea5f8c-ecec-4cf0-a5bd-bc2c63af2efa opened port 8080 in dev (main) from 203.0.113.7 with status 200",
                "6dea5f8c-ecec-4cf0-a5bd-bc2c63af2efa opened terminal in dev (main) from 203.0.113.7 with status 200",
                "6dea5f8c-ecec-4cf0-a5bd-bc2c63af2efa failed to open port 3000 in dev (main) from 2001:db8::1 with status 502",
                "unauthenticated visitor opened code-server in dev (main) from 203.0.113.7 with status 303",
                "fe8f4bab-3128-41f1-8fec-1cc0755affe5 was granted a tunnel to dev (main) from 203.0.113.7",
                "6dea5f8c-ecec-4cf0-a5bd-bc2c63af2efa was denied a tunnel to dev (main) from 203.0.113.7",
                "cursor session to dev (main) opened from fd7a:115c:a1e0:4b86:9046:80e:6c70:33b7",
                "some_new_ide session to cool-workspace (main) opened from fd7a:115c:a1e0:4b86:9046:80e:6c70:33b7",
                "some_new_ide session to cool-workspace (main) from fd7a:115c:a1e0:4b86:9046:80e:6c70:33b7 closed with code 0: because",
            ]
        ).map { ($0, $1) })
    func `each kind of event has its sentence`(number: Int, sentence: String) throws {
        let encoder = RFC5424Encoder(testOptions())
        let message = try SyslogParser.parse(Array(try #require(encoder.text(Vectors.json[number - 1])).utf8))
        #expect(String(decoding: message.text ?? [], as: UTF8.self) == sentence)
    }

    @Test func `an event that says nothing still makes a sentence`() throws {
        for (type, sentence) in [
            ("ssh", "ssh session to a workspace"),
            ("tunnel", "unauthenticated visitor was granted a tunnel to a workspace"),
            ("port_forwarding", "unauthenticated visitor opened port forwarding in a workspace"),
            ("workspace_app", "unauthenticated visitor opened an app in a workspace"),
        ] {
            let encoder = RFC5424Encoder(testOptions())
            let text = try #require(encoder.text(record([("Type", quoted(type))])))
            #expect(text.hasSuffix("] " + sentence))
        }
    }
}
