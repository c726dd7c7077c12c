import CConnlog
import ConnlogSystem
import Testing

@Suite struct ProcessStartTests {
    @Test func `the C library knows the command line that Swift knows`() {
        let count = connlog_argument_count()
        let words = (0..<count).map { index in unsafe connlog_argument(index).map { unsafe String(cString: $0) } }
        #expect(words == CommandLine.arguments)
        #expect(unsafe connlog_argument(count) == nil && connlog_argument(-1) == nil)
        #expect(ProcessStart.arguments == CommandLine.arguments)
    }
}
