internal import ConnlogCore
internal import ConnlogSystem

/// `connlog check --connect` and `--send` for syslog receivers.
struct SyslogTrial {
    /// How long a receiver that did not understand a message may take to show it.
    static let afterthought = Duration.milliseconds(500)

    let options: SyslogOptions

    // MARK: Connecting

    /// Every receiver, each on its own.
    func connect() -> [TrialFinding] {
        options.receivers.map { receiver in
            let name =
                receiver.host.contains(":")
                ? "[\(receiver.host)]:\(receiver.port)" : "\(receiver.host):\(receiver.port)"
            do throws(SocketError) { return try connect(receiver, name) } catch {
                // The address stands in front of it anyway, often with the number after the name.
                return .failed("\(error)")
            }
        }
    }

    private func connect(_ receiver: SyslogOptions.Receiver, _ name: String) throws(SocketError) -> TrialFinding {
        if options.transport == .udp {
            let socket = try UDPSocket.connect(receiver.host, port: receiver.port, timeout: options.timeout)
            return .doubtful(
                "\(socket.peer): there is a way to it; whether anybody listens UDP cannot tell, so look for the event of "
                    + "--send at the receiver")
        }
        var settings = TCPConnection.Options(connectTimeout: options.connectTimeout, timeout: options.timeout)
        settings.tls = options.transport.usesTLS ? options.tls : nil
        settings.keepsIncoming = options.transport.usesRELP
        let connection = try TCPConnection.connect(receiver.host, port: receiver.port, settings)
        var text = "\(connection.peer): connected"
        if let security = connection.security {
            text += ", \(security)"
            if let print = connection.fingerprint(.sha256) { text += "; its certificate is \(print)" }
        }
        if options.transport.usesRELP {
            let session = RELPSession(connection)
            try session.open(within: options.connectTimeout)
            session.close(2, within: options.connectTimeout)
            text += "; it has agreed to a RELP session"
        }
        _ = connection.finish(atMost: .seconds(2))
        if options.transport.usesTLS, !options.tls.verifies {
            return .doubtful(text + "; tls_verify is off, so this may be anybody")
        }
        return .good(text)
    }

    // MARK: Sending

    /// What became of the test event.
    func finding(_ outcome: SendOutcome, peer: String?) -> TrialFinding {
        switch outcome {
        case .delivered: delivered(peer ?? options.path)
        case .retry(_, let reason), .hold(let reason), .rejected(_, let reason), .rejectedUnproven(_, let reason),
            .tooLarge(let reason):
            .failed(reason.text)
        case .deliveredPrefix, .accepted: .doubtful("the receiver has not said what became of the test event")
        }
    }

    private func delivered(_ peer: String) -> TrialFinding {
        switch options.transport {
        case .relp, .relpTLS: .good("\(peer): has answered for the test event with 200")
        case .unix: .good("\(peer): the log daemon has read the test event")
        case .udp: .doubtful("\(peer): the test event was sent; UDP cannot tell whether it has arrived, so look for it")
        case .tcp, .tls:
            .good("\(peer): has read the test event; its own log tells whether it was understood")
        }
    }

    /// What a receiver does after a message shows whether it was understood: one that was says nothing and stays.
    func afterthought(_ connection: TCPConnection) -> TrialFinding? {
        var failure: SocketError?
        do throws(SocketError) { try connection.watchPeer(atMost: SyslogTrial.afterthought) } catch { failure = error }
        if !connection.firstWords.isEmpty {
            let said = RELPReader.shown(String(decoding: connection.firstWords, as: UTF8.self))
            return .failed(
                "\(connection.peer): answered '\(said)', which no syslog receiver does; is this the right port?")
        }
        guard let failure, failure.kind != .cancelled else { return nil }
        let other = options.framing == .octetCounting ? "lf" : "octet_counting"
        return .failed(
            "\(connection.peer): closed the connection after the test event; it may expect framing = \(other)"
                + (options.transport == .tcp ? ", or TLS" : ""))
    }
}
