import ConnlogCore
import ConnlogTestSupport
import Testing

@testable import ConnlogSinks

@Suite(.serialized) struct SplunkHECContractTests {
    @Test(arguments: [false, true]) func `Splunk's collector, with acknowledgement and without`(
        acknowledges: Bool
    ) async throws {
        try await SinkContract.check {
            let server = try HECServer(tokens: [HECFixture.token: .init(usesAcknowledgement: acknowledges)])
            if acknowledges { server.usePipeline(polls: 1) }
            let fixture = try HECFixture([server.url]) {
                $0.format = .line
                // The token's wish for a channel is no failure of the first batch then.
                $0.ack = acknowledges ? .on : .auto
            }
            return ContractSubject(
                sink: fixture.sink,
                received: {
                    server.expectClean()
                    return server.events.map { $0.envelope["event"] ?? "" }
                },
                setFailing: { isFailing in server.set { $0.isShuttingDown = isFailing } },
                record: { (Array(TestEvents.line($0).utf8), TestEvents.line($0)) })
        }
    }
}
