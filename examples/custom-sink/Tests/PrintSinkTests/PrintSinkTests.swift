import Connlog
import ConnlogTesting
import PrintSink
import Synchronization
import Testing

/// Where the sink prints to.
private final class Printer: Sendable {
    private let state = Mutex((text: "", isBroken: false))

    struct Broken: Error {}

    func write(_ text: String) throws {
        try state.withLock { state in
            if state.isBroken { throw Broken() }
            state.text += text
        }
    }

    var lines: [String] { state.withLock { $0.text.split(separator: "\n").map(String.init) } }
    func setBroken(_ isBroken: Bool) { state.withLock { $0.isBroken = isBroken } }
}

@Suite struct PrintSinkTests {
    @Test func `it keeps what every sink promises`() async throws {
        let broken = try await SinkContract.broken {
            let printer = Printer()
            return ContractSubject(
                sink: PrintSink { try printer.write($0) }, received: { printer.lines },
                setFailing: { printer.setBroken($0) },
                record: { number in
                    let line = TestEvents.line(number, workspace: "dev-\(number)")
                    return (Array(line.utf8), "ssh connected dev-\(number).main from 127.0.0.1")
                })
        }
        #expect(broken == [])
    }
}
