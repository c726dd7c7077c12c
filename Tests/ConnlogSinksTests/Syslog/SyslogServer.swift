import ConnlogCore
import ConnlogSystem
import ConnlogTestSupport
import Synchronization
import Testing

/// A connection as the server sees it, with or without TLS.
final class ServedConnection {
    private let plain: LoopbackConnection
    let tls: LoopbackTLS?

    init(_ plain: LoopbackConnection, _ tls: LoopbackTLS?) {
        self.plain = plain
        self.tls = tls
    }

    func read(atMost limit: Int = 1 << 16) -> [UInt8] { tls?.read(atMost: limit) ?? plain.read(atMost: limit) }
    @discardableResult
    func write(_ bytes: [UInt8]) -> Bool { tls?.write(bytes) ?? plain.write(bytes) }
    func resetAtEnd() { plain.resetAtEnd() }
    func resetNow() { plain.resetNow() }
    func shutDown() { plain.shutDown() }
}

/// A server on one port of the loopback that can go away and come back.
final class SyslogServer: Sendable {
    let port: Int
    let received = Received()
    /// Connections that got as far as being served.
    let connections = Counter(connections: 0)
    /// Of those, the ones that ended with TLS's goodbye.
    let goodbyes = Counter(connections: 0)
    private let listener = Mutex<LoopbackListener?>(nil)
    private let tls: Mutex<LoopbackTLS.Settings?>
    private let receiveBuffer: Int32?
    private let serve: @Sendable (ServedConnection, SyslogServer) -> Void

    /// - Parameters:
    ///   - receiveBuffer: what its kernel may hold of a connection that is not read, about; nil for the kernel's choice.
    ///   - serve: what it does with a connection; keeps all it gets if not given.
    init(
        tls: LoopbackTLS.Settings? = nil, receiveBuffer: Int32? = nil,
        serve: @escaping @Sendable (ServedConnection, SyslogServer) -> Void = { $1.keepAll(of: $0) }
    ) throws {
        self.tls = Mutex(tls)
        self.receiveBuffer = receiveBuffer
        self.serve = serve
        port = try LoopbackListener.freePort()
        try start()
    }

    deinit { stop() }

    func start() throws {
        let started = try LoopbackListener(port: port, receiveBuffer: receiveBuffer) { [weak self] connection in
            guard let self else { return }
            var secured: LoopbackTLS?
            if let settings = tls.withLock({ $0 }) {
                secured = LoopbackTLS(connection, settings)
                if secured == nil { return }
            }
            _ = connections.next()
            serve(ServedConnection(connection, secured), self)
            if secured?.hasGoodbye ?? false { _ = goodbyes.next() }
        }
        listener.withLock { $0 = started }
    }

    func stop() {
        listener.withLock { listener in
            listener?.stop()
            listener = nil
        }
    }

    func change(_ settings: LoopbackTLS.Settings) { tls.withLock { $0 = settings } }

    func keepAll(of connection: ServedConnection) {
        while true {
            let bytes = connection.read()
            if bytes.isEmpty { return }
            received.add(bytes)
        }
    }

    /// Blocks until there are `count` octet-counted messages.
    func waitForMessages(_ count: Int) {
        let deadline = ContinuousClock.now + Waiting.patience
        while ContinuousClock.now < deadline, ((try? octetCounted(received.all)) ?? []).count < count {
            Gate().waitAMoment()
        }
    }

    /// Octet-counted messages, as soon as there are `count`.
    func messages(_ count: Int) async throws -> [String] {
        let found = try await eventually {
            let found = try octetCounted(received.all)
            return found.count >= count ? found : nil
        }
        return try found ?? octetCounted(received.all)
    }
}

/// Waits until something on another thread is so, as long as there is patience.
func eventually<Value>(_ value: () throws -> Value?) async rethrows -> Value? {
    let deadline = ContinuousClock.now + Waiting.patience
    while ContinuousClock.now < deadline {
        if let found = try value() { return found }
        await Waiting.moment()
    }
    return nil
}

/// `retry`, `hold` and the rest, with the label of the reason.
func word(_ outcome: SendOutcome) -> String {
    switch outcome {
    case .retry(_, let reason): "retry \(reason.label)"
    case .hold(let reason): "hold \(reason.label)"
    case .rejected(let at, let reason): "rejected \(at.map(String.init) ?? "?") \(reason.label)"
    case .rejectedUnproven(let at, let reason): "rejected unproven \(at) \(reason.label)"
    case .delivered: "delivered"
    case .deliveredPrefix(let count): "prefix \(count)"
    case .accepted: "accepted"
    case .tooLarge: "too large"
    }
}

func text(_ outcome: SendOutcome) -> String {
    switch outcome {
    case .retry(_, let reason), .hold(let reason), .rejected(_, let reason), .rejectedUnproven(_, let reason),
        .tooLarge(let reason):
        reason.text
    case .delivered, .deliveredPrefix, .accepted: ""
    }
}
