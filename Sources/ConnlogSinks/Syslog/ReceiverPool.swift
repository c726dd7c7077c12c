internal import ConnlogCore
internal import ConnlogSystem

/// The receivers of one sink, and the connection to one of them.
///
/// Every connection begins anew: the name is resolved, certificates are read, and unless the load is spread, the first
/// receiver is tried first. One that accepted a connection and broke it off before it had acknowledged anything is tried
/// last the next time, so that it cannot keep the others from being reached.
struct ReceiverPool {
    /// What a receiver's process may have read and not written: rsyslog reads 128 KiB at a time, syslog-ng holds some
    /// hundred messages; and what the proof by the window may be wrong by.
    private static let heldBytes = 512 << 10

    private let options: SyslogOptions
    private let log: LogFunction
    private(set) var connection: TCPConnection?
    private var connectedAt = ContinuousClock.now
    private var ageLimit: Duration?
    private var place = 0
    private var shunned: Int?
    /// Set by SIGHUP: the next send begins with a new connection.
    var mustRenew = false

    init(_ options: SyslogOptions, log: @escaping LogFunction) {
        precondition(!options.receivers.isEmpty)
        self.options = options
        self.log = log
    }

    /// The connection has had its time.
    var isOld: Bool {
        if mustRenew { return true }
        guard let ageLimit else { return false }
        return connectedAt.duration(to: .now) > ageLimit
    }

    /// Connects to the first receiver that can be reached.
    /// - Throws: what the first one tried said; `cancelled`.
    mutating func connect() throws(SocketError) -> TCPConnection {
        var failure: SocketError?
        for place in order() {
            let target = options.receivers[place]
            do throws(SocketError) {
                let connection = try TCPConnection.connect(target.host, port: target.port, settings)
                if let failure { log(.warning, "\(failure)") }
                adopt(connection, place)
                return connection
            } catch {
                if error.kind == .cancelled { throw error }
                failure = failure ?? error
            }
        }
        throw failure ?? SocketError(.notResolved, "syslog", "there is no receiver")
    }

    private var settings: TCPConnection.Options {
        var settings = TCPConnection.Options(connectTimeout: options.connectTimeout, timeout: options.timeout)
        settings.tls = options.transport.usesTLS ? options.tls : nil
        settings.keepsIncoming = options.transport.usesRELP
        if !options.transport.usesRELP, options.resendTailBytes != 0 {
            settings.heldBytes = max(options.resendTailBytes ?? 0, ReceiverPool.heldBytes)
        }
        return settings
    }

    private func order() -> [Int] {
        let all = Array(options.receivers.indices)
        let tried = options.distribution == .spread ? all.shuffled() : all
        return tried.filter { $0 != shunned } + tried.filter { $0 == shunned }
    }

    private mutating func adopt(_ connection: TCPConnection, _ place: Int) {
        self.connection = connection
        self.place = place
        connectedAt = .now
        mustRenew = false
        // Many senders that were started together must not come back together.
        ageLimit = options.maxConnectionAge.map { $0 * Double.random(in: 0.9...1.1) }
        log(.info, "connected to \(connection.peer)" + (connection.security.map { " (\($0))" } ?? ""))
    }

    /// The connection is of no more use.
    /// - Parameter hasProvedItself: the receiver has acknowledged something on it.
    mutating func drop(hasProvedItself: Bool) {
        if connection != nil { shunned = hasProvedItself ? nil : place }
        connection = nil
    }

    /// Ends the connection in good order.
    /// - Returns: whether the receiver did the same, or there was no connection.
    @discardableResult
    mutating func finish(atMost limit: Duration) -> Bool {
        guard let connection else { return true }
        self.connection = nil
        shunned = nil
        return connection.finish(atMost: limit)
    }
}

extension SocketError {
    /// What a batch comes to that could not be sent for this.
    func outcome(mayRepeat: Bool) -> SendOutcome {
        let reason = Reason(label, description, mayRepeat: mayRepeat)
        return needsSomebody ? .hold(reason) : .retry(reason)
    }
}
