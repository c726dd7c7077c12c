private import CConnlog
#if canImport(Glibc)
    import Glibc
#endif

/// Sends datagrams to one address.
///
/// Success proves nothing: a datagram may be lost anywhere. Connected, so that the kernel can tell of an ICMP "port
/// unreachable" that came back for an earlier datagram.
public final class UDPSocket {
    /// The peer as configured, with the numeric address in parentheses.
    public let peer: String
    public let isIPv6: Bool
    private let socket: SocketDescriptor
    private let timeout: Duration
    // Where the datagrams of one system call lie.
    private var starts: [UInt32] = []
    private var lengths: [UInt32] = []

    /// Resolves the name and takes the first address that has a route.
    /// - Parameter timeout: how long `send` waits for room in the kernel's buffer.
    public static func connect(_ host: String, port: Int, timeout: Duration) throws(SocketError) -> UDPSocket {
        let name = "\(host):\(port)"
        var failure = SocketError(.notResolved, name, "the name has no address")
        for address in try SocketAddress.resolve(host, port: port, .datagram) {
            do throws(SocketError) {
                return try UDPSocket(address, name: name, timeout)
            } catch { failure = error }
        }
        throw failure
    }

    private init(_ address: SocketAddress, name: String, _ timeout: Duration) throws(SocketError) {
        peer = name == address.text ? name : "\(name) (\(address.text))"
        isIPv6 = address.isIPv6
        self.timeout = timeout
        socket = try SocketDescriptor(address, .datagram, peer: peer)
        _ = try socket.connect(address)
    }

    /// What stopped `send`.
    public struct Stop: Error, Equatable {
        /// How many datagrams went out before.
        public let sent: Int
        public let error: SocketError
    }

    /// Sends the bytes of each range as a datagram of its own, in order.
    /// - Throws: what happened at datagram number `sent`: `tooLarge` is about that datagram alone; `refused` is about
    ///   an earlier one, and that one was not sent either.
    public func send(_ bytes: ByteBuffer, _ datagrams: ArraySlice<Range<Int>>) throws(Stop) {
        var next = datagrams.startIndex
        while next < datagrams.endIndex {
            let end = min(next + Int(connlog_datagrams_max), datagrams.endIndex)
            do throws(SocketError) {
                next += try sendSome(bytes, datagrams[next..<end])
            } catch {
                throw Stop(sent: next - datagrams.startIndex, error: error)
            }
        }
    }

    /// Tells of a refusal that has come back since, if any.
    public func pendingError() -> SocketError? { socket.pendingError("send") }

    private func sendSome(_ bytes: ByteBuffer, _ datagrams: ArraySlice<Range<Int>>) throws(SocketError) -> Int {
        starts.removeAll(keepingCapacity: true)
        lengths.removeAll(keepingCapacity: true)
        for range in datagrams {
            starts.append(UInt32(range.lowerBound))
            lengths.append(UInt32(range.count))
        }
        let (sent, code) = sendBatch(bytes)
        if sent > 0 { return sent }
        // ENOBUFS is the interface's queue being full: it passes, and nothing tells when.
        guard code == EAGAIN || code == ENOBUFS else { throw SocketError(code: code, peer, "sendmmsg") }
        guard try socket.wait(for: POLLOUT, atMost: timeout) != 0 else {
            throw SocketError(.timedOut, peer, "no room to send for \(timeout)")
        }
        return 0
    }

    private func sendBatch(_ bytes: ByteBuffer) -> (sent: Int, code: Int32) {
        let descriptor = socket.number
        return unsafe bytes.withUnsafeBytes(0..<bytes.count) { memory in
            guard let base = unsafe memory.baseAddress?.assumingMemoryBound(to: UInt8.self) else { return (0, 0) }
            let sent = unsafe starts.withUnsafeBufferPointer { starts in
                unsafe lengths.withUnsafeBufferPointer { lengths in
                    guard let start = starts.baseAddress, let length = lengths.baseAddress else { return Int32(0) }
                    return unsafe connlog_send_datagrams(descriptor, base, start, length, Int32(starts.count))
                }
            }
            return (Int(sent), sent < 0 ? errorNumber : 0)
        }
    }
}
