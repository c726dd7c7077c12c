#if Server
import ConnlogAPI
package import ConnlogConfig
package import ConnlogCore
import ConnlogPipeline
import ConnlogStore
import ConnlogSystem
import Synchronization
import UnixSignals

/// The server process: answers questions over HTTP, and asks the forwarder for what it does not know itself.
///
/// It is started by `connlog run`, and ends when that ends.
package final class ServerHost: Sendable {
    /// Somebody else than `connlog run` has started it.
    package struct NoForwarder: Error, CustomStringConvertible {
        package let description = "this is started by 'connlog run' when there is a [server], and by nobody else"
    }

    private let channel: FrameChannel
    private let first: ServerConfiguration

    /// `[connlog]`, for whoever writes the log.
    package var connlog: Section { first.connlog }

    /// Waits for the forwarder to say what to serve.
    /// - Throws: `NoForwarder`.
    package init() throws {
        Machine.nameProcess("connlog-server")
        Machine.stepBack()
        Machine.keepNewFilesPrivate()
        Machine.ignoreBrokenPipes()
        channel = FrameChannel(descriptor: 3)
        guard let frame = try? channel.read(), frame.message == .configuration,
            let configuration = try? frame.value(ServerConfiguration.self)
        else {
            throw NoForwarder()
        }
        first = configuration
    }

    /// Serves until the forwarder says to stop, or SIGTERM comes; the forwarder's end is the end of the process.
    /// - Parameter adopt: gets `[connlog]` when a reload has changed it.
    package func run(log: @escaping LogFunction, adopt: @escaping @Sendable (Section) -> Void) async {
        let stopper = Stopper()
        let link = ServerLink(channel)
        let service = QuestionService(first, link: link, stopper: stopper, log: log)
        let (configurations, news) = AsyncStream.makeStream(of: ServerConfiguration.self)
        link.start("forwarder") { frame in
            switch frame.message {
            case .configuration: if let new = try? frame.value(ServerConfiguration.self) { news.yield(new) }
            case .stop: stopper.ask()
            case .changed: service.noteChange()
            // From where questions are answered, so that an answer says something.
            case .settle:
                service.tellOpenAudits()
                link.send(Frame(.settled))
            case .ping: Task { link.send(Frame(.pong, id: frame.id)) }
            default: service.forwarder.take(frame)
            }
        } ended: {
            service.forwarder.end()
            // Nobody is left to serve for.
            if !stopper.isAsked { Machine.exitNow(0) }
        }
        let adopting = Task {
            for await new in configurations {
                adopt(new.connlog)
                service.use(new)
            }
        }
        let listening = Task {
            for await signal in await UnixSignalsSequence(trapping: .sigterm, .sigint, .sighup)
            where signal == .sigterm { stopper.ask() }
        }
        await service.run()
        adopting.cancel()
        listening.cancel()
        link.finish()
    }
}
#endif
