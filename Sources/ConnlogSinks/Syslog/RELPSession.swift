internal import ConnlogSystem

/// How a RELP session begins and ends.
struct RELPSession {
    /// Real receivers say 0; the protocol's text says 1.
    private static let versions = ["0", "1"]

    private let connection: TCPConnection

    init(_ connection: TCPConnection) { self.connection = connection }

    /// Sends `open` as the first command and waits for a good answer.
    func open(within limit: Duration) throws(SocketError) {
        var offers = ByteBuffer()
        offers.append("relp_version=0\nrelp_software=connlog\ncommands=syslog")
        try send(1, "open", offers)
        guard let reply = try reply(to: 1, within: limit) else {
            throw SocketError(
                .timedOut, connection.peer, "did not answer RELP's open within \(limit); is it a RELP receiver?")
        }
        try check(reply)
    }

    private func check(_ reply: RELPReply) throws(SocketError) {
        guard reply.isOK else {
            throw SocketError(
                .protocolBroken, connection.peer, "refused the RELP session: \(reply.code) \(reply.text)")
        }
        let offers = reply.offers
        guard let version = offers["relp_version"], RELPSession.versions.contains(version) else {
            throw SocketError(
                .protocolBroken, connection.peer,
                "speaks RELP version \(offers["relp_version"].map(RELPReader.shown) ?? "unknown"), not 0 or 1")
        }
        // A receiver that names its commands has to have ours.
        if let commands = offers["commands"], !commands.split(separator: ",").contains("syslog") {
            throw SocketError(
                .protocolBroken, connection.peer, "takes no syslog messages, only: \(RELPReader.shown(commands))")
        }
    }

    /// Sends `close` and waits for its answer, for a while; whatever comes of it, the session is over.
    func close(_ sequence: UInt64, within limit: Duration) {
        do throws(SocketError) {
            try send(sequence, "close", ByteBuffer())
            _ = try reply(to: sequence, within: limit)
        } catch { return }
    }

    private func send(_ sequence: UInt64, _ command: StaticString, _ data: ByteBuffer) throws(SocketError) {
        var frame = ByteBuffer()
        RELPFrame.append(sequence, command, data, to: &frame)
        try connection.send(frame)
    }

    /// The answer to one command; hints are passed over. `nil` when the time is over.
    private func reply(to sequence: UInt64, within limit: Duration) throws(SocketError) -> RELPReply? {
        let deadline = ContinuousClock.now + limit
        while true {
            while let reply = try next() {
                if reply.command == .response, reply.number == RELPFrame.number(sequence) { return reply }
            }
            let left = ContinuousClock.now.duration(to: deadline)
            guard left > .zero else { return nil }
            do throws(SocketError) { try connection.watchPeer(atMost: left) } catch {
                // It may have answered and then closed.
                if connection.incoming.isEmpty { throw explained(error) }
                guard let reply = try next(), reply.number == RELPFrame.number(sequence) else { throw explained(error) }
                return reply
            }
        }
    }

    private func next() throws(SocketError) -> RELPReply? {
        var at = 0
        do throws(RELPReader.Fault) {
            let reply = try RELPReader.next(connection.incoming, &at)
            connection.incoming.removeFirst(at)
            return reply
        } catch {
            throw SocketError(
                .protocolBroken, connection.peer,
                "what came back is not RELP but '\(error.said)'; is this the port of a RELP receiver?")
        }
    }

    private func explained(_ error: SocketError) -> SocketError {
        guard error.kind == .closed || error.kind == .reset else { return error }
        return SocketError(
            error.kind, connection.peer,
            "closed the connection instead of answering RELP's open; is this the port of a RELP receiver?")
    }
}
