#if Server
import ConnlogSystem
import NIOCore

/// Lets a listener rest for a second when it cannot take a connection, as without a free descriptor.
///
/// NIO has a handler for that, which only holds back the next read. The one that failed is still pending, so without this
/// the kernel tells of the waiting connection again and again, and a processor is kept busy with it (NIO 2.101).
final class AcceptPause: ChannelInboundHandler {
    typealias InboundIn = any Channel

    private static let pause = TimeAmount.seconds(1)
    private let tell: @Sendable (String) -> Void
    private var isPausing = false

    init(_ tell: @escaping @Sendable (String) -> Void) { self.tell = tell }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if let error = error as? IOError {
            // Each time: others on this listener switch reading on again, as when a connection ends.
            take(false, context)
            if !isPausing { rest(after: error, context) }
        }
        context.fireErrorCaught(error)
    }

    private func rest(after error: IOError, _ context: ChannelHandlerContext) {
        tell("no connection can be taken: \(SystemError.text(of: error.errnoCode)); it is tried again each second")
        isPausing = true
        context.eventLoop.assumeIsolated().scheduleTask(in: AcceptPause.pause) {
            self.isPausing = false
            self.take(true, context)
        }
    }

    /// A listener that has been closed meanwhile takes nothing anyway.
    private func take(_ isTaking: Bool, _ context: ChannelHandlerContext) {
        try? context.channel.syncOptions?.setOption(.autoRead, value: isTaking)
    }
}
#endif
