import ConnlogSystem
import Testing

@testable import ConnlogCore

@Suite struct DecodeVectorTests {
    @Test func `all golden lines are there`() {
        #expect(Vectors.json.count == 24)
        #expect(Vectors.human.count == 8)
    }

    @Test(arguments: 1...22) func `a connection event in JSON is one, with all that it says`(number: Int) {
        let line = Scanned(Vectors.json[number - 1])
        #expect(line.kind == .connectionLog)
        #expect(line.fields.shape == .slog)
        for field in [Field.ts, .id, .organizationID, .workspaceID, .workspaceName, .connectionStatus, .time] {
            #expect(line.text(field) != nil)
        }
    }

    @Test func `the seed's event has its values`() {
        let line = Scanned(Vectors.json[0])
        #expect(line.text(.requestID) == "916ad077-e120-4861-8640-f449d56d2bae")
        #expect(line.text(.id) == "ca5dfc63-dc43-463a-bb3e-38526866fd4b")
        #expect(line.text(.ip) == "fd7a:115c:a1e0:4b86:9046:80e:6c70:33b7")
        #expect(line.text(.userAgent) == nil)
        #expect(line.text(.userID) == nil)
        #expect(line.text(.connectionID) == "7a6fafdc-e3d0-43cb-a1b7-1f19802d7908")
        #expect(line.index.code(in: line.bytes.span) == nil)
        #expect(line.index.connectionType(in: line.bytes.span) == .ssh)
        #expect(line.index.status(in: line.bytes.span) == .connected)
        #expect(line.index.time(in: line.bytes.span).map { EventTime.text($0) } == "2025-07-10T10:14:38.942776145Z")
        #expect(
            line.index.entryTime(in: line.bytes.span).map { EventTime.text($0) } == "2025-07-03T05:09:41.929840747Z")
    }

    @Test func `an audit event is told by its message`() {
        #expect(Scanned(Vectors.json[22]).kind == .auditLog)
    }

    @Test func `a Stackdriver entry is a connection event of another shape`() {
        let line = Scanned(Vectors.json[23])
        #expect(line.kind == .connectionLog)
        #expect(line.fields.shape == .stackdriver)
        #expect(line.text(.id) == "ca5dfc63-dc43-463a-bb3e-38526866fd4b")
    }
}
