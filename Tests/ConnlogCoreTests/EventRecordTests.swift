import ConnlogSystem
import Testing

@testable import ConnlogCore

/// The record cases of the format's description, as far as they are about reading lines.
@Suite struct EventRecordTests {
    private func event(_ number: Int) throws -> ConnectionEvent {
        try #require(ConnectionEvent(line: Vectors.json[number - 1]))
    }

    @Test func `an open SSH connection has its address and no code`() throws {
        let event = try event(1)
        #expect(event.type == .ssh)
        #expect(event.ip == "fd7a:115c:a1e0:4b86:9046:80e:6c70:33b7")
        #expect(event.code == nil)
        #expect(event.status == .connected)
        #expect(!event.isWeb)
    }

    @Test func `a clean disconnect has code 0 and no reason`() throws {
        let (connect, disconnect) = (try event(1), try event(2))
        #expect(disconnect.connectionID == connect.connectionID)
        #expect(disconnect.id != connect.id)
        #expect(disconnect.status == .disconnected)
        #expect(disconnect.code == 0)
        #expect(disconnect.disconnectReason == nil)
        #expect(disconnect.time.map { EventTime.text($0) } == "2025-07-10T10:16:59.1Z")
    }

    @Test func `the same web event twice in one format is two records`() {
        let run = DecodeRun(Vectors.json[7] + "\n" + Vectors.json[7] + "\n")
        #expect(run.records.count == 2)
        #expect(run.counts.duplicates == 0)
    }

    @Test func `an address that Go printed as nil is absent`() throws {
        #expect(try event(6).ip == nil)
    }

    @Test func `a refused visitor has no user`() throws {
        let event = try event(9)
        #expect(event.userID == nil)
        #expect(event.code == 404)
        #expect(event.isWeb)
    }

    @Test func `escapes in a user agent are undone`() throws {
        #expect(try event(12).userAgent == #"probe <a&b> "q" \x"#)
    }

    @Test func `tunnels are web events without slug, with 101 and 403`() throws {
        for (number, code) in [(14, 101), (15, 403)] {
            let event = try event(number)
            #expect(event.type == .tunnel)
            #expect(event.isWeb)
            #expect(event.slugOrPort == nil)
            #expect(event.code == code)
            #expect(event.ip == "203.0.113.7")
        }
    }

    @Test func `method and app give the type`() throws {
        let (connect, disconnect) = (try event(17), try event(18))
        for event in [connect, disconnect] {
            #expect(event.method == .ssh)
            #expect(event.appName == "some_new_ide")
            #expect(event.appDisplayName == "some_new_ide")
            #expect(event.type == .ssh)
            #expect(event.clientSessionID == "0123456789abcdef0123456789abcdef")
        }
        #expect(disconnect.disconnectReason == "because")
        #expect(disconnect.status == .disconnected)
        let plain = try event(19)
        #expect(plain.appName == nil)
        #expect(plain.clientSessionID == nil)
    }

    @Test func `struct strings of the first builds are null and a number`() throws {
        #expect(try event(20).code == nil)
        #expect(try event(21).code == 200)
    }

    @Test func `an audit event is not a connection event`() {
        #expect(ConnectionEvent(line: Vectors.json[22]) == nil)
    }

    @Test func `an IDE fork under its own name is of its family and keeps its name`() throws {
        let event = try event(16)
        #expect(event.type == .vscode)
        #expect(event.typeText == "cursor")
        #expect(event.appName == "cursor")
        #expect(event.appDisplayName == "Cursor")
        #expect(event.method == .ssh)
    }

    @Test func `slug and port belong to web events only`() throws {
        #expect(try event(8).slugOrPort == "code-server")
        #expect(try event(10).slugOrPort == "8080")
        #expect(try event(11).slugOrPort == "terminal")
        #expect(try event(1).slugOrPort == nil)
    }
}
