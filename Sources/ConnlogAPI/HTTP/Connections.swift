#if Server
package import ConnlogCore
import ConnlogStore
import NIOCore
import Synchronization

/// The connections there are, and how many come from one address.
final class Connections: Sendable {
    private struct State {
        var clients: [ObjectIdentifier: ClientConnection] = [:]
        var ofAddress: [String: Int] = [:]
    }

    let ofAddressMax: Int
    let timeout: Duration
    let proxies: TrustedProxies
    let counts: HTTPCounts
    let log: LogFunction
    private let state = Mutex(State())
    private let told = RepeatedWords()

    init(_ options: APIServer.Options, _ counts: HTTPCounts, log: @escaping LogFunction) {
        ofAddressMax = options.connectionsOfAddressMax
        timeout = options.timeout
        proxies = options.trustedProxies
        self.counts = counts
        self.log = log
    }

    /// Takes a connection in and looks after it; `nil` when there are too many from its address.
    func open(_ channel: any Channel) throws -> ClientConnection? {
        let address = channel.remoteAddress?.ipAddress ?? ""
        let isCounted = !address.isEmpty && !proxies.contain(address)
        let key = ObjectIdentifier(channel)
        let client = state.withLock { state -> ClientConnection? in
            if isCounted, state.ofAddress[address, default: 0] >= ofAddressMax { return nil }
            if isCounted { state.ofAddress[address, default: 0] += 1 }
            let client = ClientConnection(channel)
            state.clients[key] = client
            return client
        }
        guard let client else {
            counts.refuseConnection()
            if let words = told.words("\(address) has \(ofAddressMax) connections open, so more are closed") {
                log(.warning, "server: \(words)")
            }
            return nil
        }
        channel.closeFuture.whenComplete { _ in
            client.leave()
            self.state.withLock { state in
                state.clients[key] = nil
                guard isCounted, let count = state.ofAddress[address] else { return }
                state.ofAddress[address] = count > 1 ? count - 1 : nil
            }
        }
        try channel.pipeline.syncOperations.addHandler(
            ClientHandler(client, timeout: timeout) { [counts] in counts.cut($0) }, position: .first)
        return client
    }

    /// Sees to it that a listener that gets no descriptor does not ask for one all the time.
    func restWhenNoneCanBeTaken(_ listener: any Channel) async {
        let (told, log) = (told, log)
        let added = listener.eventLoop.submit {
            let pause = AcceptPause { if let words = told.words($0) { log(.warning, "server: \(words)") } }
            try listener.pipeline.syncOperations.addHandler(pause, position: .first)
        }
        // It fails only where there is no listener any more.
        try? await added.get()
    }

    /// `nil` once it is closed.
    func client(of channel: any Channel) -> ClientConnection? {
        state.withLock { $0.clients[ObjectIdentifier(channel)] }
    }

    var count: Int { state.withLock { $0.clients.count } }
}

/// One connection's other end: whether it is still there.
final class ClientConnection: Sendable {
    private let channel: (any Channel)?
    private let isGone = Atomic(false)
    private let requests = Atomic(0)
    private let bell = Bell()

    /// - Parameter channel: what is closed when it takes too long; tests have none.
    init(_ channel: (any Channel)? = nil) { self.channel = channel }

    func leave() {
        isGone.store(true, ordering: .sequentiallyConsistent)
        bell.ring()
    }

    /// What somebody waits for, unless they have left: then it is cancelled.
    /// - Throws: `ClientLeft`, or what `body` throws.
    func whileThere<Value: Sendable>(_ body: @escaping @Sendable () async throws -> Value) async throws -> Value {
        try await withThrowingTaskGroup(of: Value?.self) { group in
            group.addTask { try await body() }
            group.addTask {
                await self.waitUntilGone()
                return nil
            }
            defer { group.cancelAll() }
            guard let value = try await group.next() ?? nil else { throw ClientLeft() }
            return value
        }
    }

    private func waitUntilGone() async {
        let ring = bell.next()
        if isGone.load(ordering: .sequentiallyConsistent) { return }
        await ring.wait()
    }

    /// A request begins; what the one before left is taken in.
    func begin() { requests.add(1, ordering: .sequentiallyConsistent) }

    /// The request has its answer, and yet more of it comes: that has to end in time, or the connection is closed.
    func expectEnd(within timeout: Duration) {
        let request = requests.load(ordering: .sequentiallyConsistent)
        channel?.eventLoop.scheduleTask(in: TimeAmount(timeout)) { [self] in
            if requests.load(ordering: .sequentiallyConsistent) == request { channel?.close(promise: nil) }
        }
    }
}

/// Nobody is there any more to be answered.
struct ClientLeft: Error {}

/// Next to the socket: sees a client leave, and cuts off one that takes nothing of what it asked for.
final class ClientHandler: ChannelDuplexHandler {
    typealias InboundIn = NIOCore.ByteBuffer
    typealias OutboundIn = IOData

    /// Some clients close their side when they have asked, and still want the answer: a quick one reaches them.
    private static let grace = TimeAmount.milliseconds(250)

    private let client: ClientConnection
    private let timeout: TimeAmount
    private let cut: @Sendable (String) -> Void
    private var writesPending = 0
    private var lastProgress = NIODeadline.now()
    private var isChecking = false

    init(_ client: ClientConnection, timeout: Duration, cut: @escaping @Sendable (String) -> Void) {
        self.client = client
        self.timeout = TimeAmount(timeout)
        self.cut = cut
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .inputClosed? = event as? ChannelEvent {
            let client = client
            context.eventLoop.scheduleTask(in: ClientHandler.grace) { client.leave() }
        }
        context.fireUserInboundEventTriggered(event)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        if writesPending == 0 { lastProgress = .now() }
        writesPending += 1
        let promise = promise ?? context.eventLoop.makePromise(of: Void.self)
        promise.futureResult.assumeIsolated().whenComplete { _ in
            self.writesPending -= 1
            self.lastProgress = .now()
        }
        context.write(data, promise: promise)
        check(context)
    }

    /// Looks again when the time would be over.
    private func check(_ context: ChannelHandlerContext) {
        guard !isChecking, writesPending > 0 else { return }
        isChecking = true
        context.eventLoop.assumeIsolated().scheduleTask(deadline: lastProgress + timeout) {
            self.isChecking = false
            guard self.writesPending > 0, context.channel.isActive else { return }
            if NIODeadline.now() - self.lastProgress < self.timeout { return self.check(context) }
            self.cut("slow_reader")
            context.close(promise: nil)
        }
    }
}

extension TimeAmount {
    /// At most some centuries.
    init(_ duration: Duration) { self = .nanoseconds(Int64(min(duration / .nanoseconds(1), 9e18))) }
}

/// Proxies whose word on where a request comes from is taken.
package struct TrustedProxies: Sendable {
    private let blocks: [AddressBlock]

    package init(_ blocks: [AddressBlock] = []) { self.blocks = blocks }

    func contain(_ address: String) -> Bool { blocks.contains { $0.contains(Array(address.utf8)) } }

    /// Who asked: the last address that was passed on and is no trusted proxy's.
    /// - Parameter peer: at the other end of the connection.
    func client(_ peer: String, _ forwarded: [String]) -> String {
        guard contain(peer) else { return peer }
        let hops = forwarded.flatMap { $0.split(separator: ",") }.map { String($0.filter { $0 != " " }) }
        guard let client = hops.last(where: { !contain($0) }), AddressBlock(client) != nil else { return peer }
        return client
    }
}
#endif
