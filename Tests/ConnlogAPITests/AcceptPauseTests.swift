#if Server
import ConnlogSystem
import NIOCore
import NIOEmbedded
import Synchronization
import Testing

@testable import ConnlogAPI

/// A listener that cannot take a connection.
@Suite struct AcceptPauseTests {
    private func isTaking(_ channel: EmbeddedChannel) -> Bool? {
        channel.options.last { $0.option is ChannelOptions.Types.AutoReadOption }?.value as? Bool
    }

    @Test func `it rests at each failure, whoever switches it on meanwhile, and goes on once`() throws {
        let told = Told()
        let channel = EmbeddedChannel()
        try channel.pipeline.syncOperations.addHandler(AcceptPause { told.add($0) })
        func fail() {
            channel.pipeline.fireErrorCaught(IOError(errnoCode: Errno.noDescriptor, reason: "accept"))
            // Nobody handles it after the pause.
            #expect(throws: IOError.self) { try channel.throwIfErrorCaught() }
        }
        fail()
        #expect(isTaking(channel) == false)
        channel.embeddedEventLoop.advanceTime(by: .milliseconds(500))
        try channel.syncOptions?.setOption(.autoRead, value: true)
        fail()
        #expect(isTaking(channel) == false)
        channel.embeddedEventLoop.advanceTime(by: .milliseconds(499))
        #expect(isTaking(channel) == false)
        channel.embeddedEventLoop.advanceTime(by: .milliseconds(1))
        #expect(isTaking(channel) == true)
        // At 1.2 s; the second failure has left nothing that would end this at 1.5 s.
        channel.embeddedEventLoop.advanceTime(by: .milliseconds(200))
        fail()
        channel.embeddedEventLoop.advanceTime(by: .milliseconds(999))
        #expect(isTaking(channel) == false)
        channel.embeddedEventLoop.advanceTime(by: .milliseconds(1))
        #expect(isTaking(channel) == true)
        #expect(told.count == 2)
        #expect(try channel.finish().isClean)
    }

    private final class Told: Sendable {
        private let texts = Mutex<[String]>([])
        func add(_ text: String) { texts.withLock { $0.append(text) } }
        var count: Int { texts.withLock { $0.count } }
    }
}
#endif
