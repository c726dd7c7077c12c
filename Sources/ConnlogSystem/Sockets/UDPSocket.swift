/// Sends datagrams to one address.
///
/// Success proves nothing: a datagram may be lost anywhere. Connected, so that the kernel can tell of an ICMP "port
/// unreachable" that came back for an earlier datagram.
package final class UDPSocket {
    /// The peer as configured, with the numeric address in parentheses.
    package let peer: String
    package let isIPv6: Bool
    /// The numeric address.
    package let address: String
    private let socket: SocketDescriptor
    private let timeout: Duration
    private var datagrams = DatagramSender()

    /// Resolves the name and takes the first address that has a route.
    /// - Parameters:
    ///   - timeout: how long `send` waits for room in the kernel's buffer.
    ///   - refused: numeric addresses that are not to be taken.
    package static func connect(
        _ host: String, port: Int, timeout: Duration, except refused: Set<String> = []
    ) throws(SocketError) -> UDPSocket {
        let name = "\(host):\(port)"
        return try connect(
            to: SocketAddress.resolve(host, port: port, .datagram), name: name, timeout: timeout, except: refused)
    }

    package static func connect(
        to addresses: [SocketAddress], name: String, timeout: Duration, except refused: Set<String>
    ) throws(SocketError) -> UDPSocket {
        var failure = SocketError(.refused, name, "none of its addresses takes datagrams")
        for address in addresses where !refused.contains(address.text) {
            do throws(SocketError) {
                return try UDPSocket(address, name: name, timeout)
            } catch { failure = error }
        }
        throw failure
    }

    private init(_ address: SocketAddress, name: String, _ timeout: Duration) throws(SocketError) {
        peer = address.label(name)
        isIPv6 = address.isIPv6
        self.address = address.text
        self.timeout = timeout
        socket = try SocketDescriptor(address, .datagram, peer: peer)
        _ = try socket.connect(address)
    }

    /// What stopped `send`.
    package typealias Stop = DatagramSender.Stop

    /// Sends the bytes of each range as a datagram of its own, in order.
    /// - Throws: what happened at datagram number `sent`: `tooLarge` is about that datagram alone; `refused` is about
    ///   an earlier one, and that one was not sent either.
    package func send(_ bytes: ByteBuffer, _ ranges: ArraySlice<Range<Int>>) throws(Stop) {
        try datagrams.send(bytes, ranges, on: socket, timeout)
    }

    /// Tells of a refusal that has come back since, if any.
    package func pendingError() -> SocketError? { socket.pendingError("send") }
}
