import ConnlogTestSupport
import Testing

@testable import ConnlogCore

/// How long values may be in CEF and LEEF, in bytes before any escape.
@Suite struct SIEMLengthTests {
    private static let cef: [(field: String, key: String, most: Int)] = [
        ("ID", "externalId", 40), ("Type", "cat", 1023), ("DisconnectReason", "reason", 1023), ("UserID", "suid", 1023),
        ("WorkspaceOwnerID", "duid", 1023), ("WorkspaceName", "dhost", 1023),
        ("UserAgent", "requestClientApplication", 1023), ("ConnectionID", "cs1", 4000), ("WorkspaceID", "cs2", 4000),
        ("AgentName", "cs3", 4000), ("OrganizationID", "cs4", 4000), ("request_id", "cs5", 4000),
        ("ClientSessionID", "cs6", 4000),
    ]
    private static let leef: [(field: String, key: String, most: Int)] = [
        ("Type", "cat", 1023), ("DisconnectReason", "reason", 1023), ("UserID", "usrName", 255),
        ("WorkspaceOwnerID", "accountName", 255), ("WorkspaceName", "workspace", 1023),
        ("WorkspaceID", "workspaceId", 1023), ("AgentName", "agentName", 1023),
        ("OrganizationID", "organizationId", 1023), ("ConnectionID", "connectionId", 1023),
        ("UserAgent", "userAgent", 512), ("request_id", "requestId", 1023),
        ("ClientSessionID", "clientSessionId", 1023),
    ]

    private func fields(_ field: String, _ value: String) -> [(String, String)] {
        (field == "Type" ? [] : [("Type", "\"workspace_app\"")]) + [(field, quoted(value))]
    }

    /// Ends with a letter of two bytes, and begins with one that is escaped.
    private func value(bytes: Int) -> String { "=" + String(repeating: "x", count: bytes - 3) + "é" }

    @Test(arguments: [-1, 0, 1]) func `a value is whole up to its key's limit, and cut before a letter beyond it`(
        more: Int
    )
        throws
    {
        for (field, key, most) in Self.cef {
            let text = value(bytes: most + more)
            let line = try #require(SIEMEncoder(.cef, hostname: "h", names: nil).text(record(fields(field, text))))
            let found = try #require(try CEFParser.parse(line).values[key], "\(field)")
            #expect(found == (more > 0 ? String(text.dropLast()) : text), "\(field)")
        }
        for (field, key, most) in Self.leef {
            let text = value(bytes: most + more)
            let line = try #require(SIEMEncoder(.leef, hostname: "h", names: nil).text(record(fields(field, text))))
            let found = try #require(try LEEFParser.parse(line).values[key], "\(field)")
            #expect(found == (more > 0 ? String(text.dropLast()) : text), "\(field)")
        }
    }

    @Test(arguments: [(99, 99), (100, 100), (101, 99)]) func `the host's name is whole up to a hundred bytes`(
        bytes: Int, kept: Int
    ) throws {
        let host = String(repeating: "h", count: bytes - 2) + "é"
        let encoder = SIEMEncoder(.cef, hostname: host, names: nil)
        let line = try #require(encoder.text(record([("Type", "\"ssh\"")])))
        #expect(try CEFParser.parse(line).values["dvchost"]?.utf8.count == kept)
    }

    @Test(arguments: [SIEMFormat.cef, .leef]) func `a type however long leaves the header room for what happened`(
        format: SIEMFormat
    ) throws {
        for bytes in [999, 1000, 1001, 5000] {
            let type = String(repeating: "t", count: bytes)
            let line = try #require(SIEMEncoder(format, hostname: "h", names: nil).text(record(fields("Type", type))))
            let header = try format == .cef ? CEFParser.parse(line).header[3] : LEEFParser.parse(line).header[3]
            #expect(header.prefix { $0 == "t" }.count == min(bytes, 1000) && header.utf8.count <= 1023, "\(header)")
        }
    }

    @Test(arguments: [254, 255, 256]) func `a name that a directory has is cut as an id is`(bytes: Int) throws {
        let name = String(repeating: "n", count: bytes)
        let names = ListedNames(users: [UserName(id: "u-1", username: name)], organizations: [])
        let line = try #require(SIEMEncoder(.leef, hostname: "h", names: names).text(record(fields("UserID", "u-1"))))
        let found = try LEEFParser.parse(line).values
        #expect(found["usrName"]?.count == min(bytes, 255) && found["userId"] == "u-1")
    }
}
