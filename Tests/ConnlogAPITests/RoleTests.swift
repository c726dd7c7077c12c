import ConnlogAPI
import Testing

/// What the holder of a token may do.
@Suite struct RoleTests {
    @Test func `an auditor reads, ingest writes, an admin does both`() {
        #expect(Role.allCases.map(\.mayRead) == [true, false, true])
        #expect(Role.allCases.map(\.mayWrite) == [false, true, true])
    }
}
