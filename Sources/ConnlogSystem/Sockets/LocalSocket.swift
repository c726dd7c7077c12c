private import CConnlog
#if canImport(Glibc)
import Glibc
#endif

/// A socket of this machine by its path, such as `/dev/log`: for datagrams, or else a stream.
///
/// Nothing here waits for the reader for longer than the caller allows: a log daemon that is stuck must not hold up who
/// logs. The kernel keeps count of what the reader has not taken yet, so that, unlike over a network, it can be known
/// that the reader's process has read everything (`isRead`).
package final class LocalSocket {
    package let path: String
    package let isStream: Bool
    private let socket: SocketDescriptor
    private let timeout: Duration
    private let inode: UInt64
    private var datagrams = DatagramSender()

    /// Connects; takes a stream where the socket wants one.
    /// - Parameter timeout: how long a reader may take nothing.
    package static func connect(_ path: String, timeout: Duration) throws(SocketError) -> LocalSocket {
        do throws(SocketError) { return try LocalSocket(path, .datagram, timeout) } catch {
            guard error.kind == .wrongType else { throw error }
            return try LocalSocket(path, .stream, timeout)
        }
    }

    private init(_ path: String, _ transport: SocketAddress.Transport, _ timeout: Duration) throws(SocketError) {
        self.path = path
        self.timeout = timeout
        isStream = transport == .stream
        socket = try SocketDescriptor(localFor: transport, peer: path)
        inode = LocalSocket.inode(of: path)
        try LocalSocket.connect(socket, path)
    }

    private static func connect(_ socket: SocketDescriptor, _ path: String) throws(SocketError) {
        guard unsafe connlog_connect_path(socket.number, path) != 0 else { return }
        throw SocketError(code: errorNumber, path, "connect")
    }

    private static func inode(of path: String) -> UInt64 {
        var status = stat()
        return unsafe stat(path, &status) == 0 ? UInt64(status.st_ino) : 0
    }

    /// Sends the bytes of each range as a datagram of its own, in order.
    package func send(_ bytes: ByteBuffer, _ ranges: ArraySlice<Range<Int>>) throws(DatagramSender.Stop) {
        try datagrams.send(bytes, ranges, on: socket, timeout)
    }

    /// Sends all bytes over the stream.
    package func send(_ bytes: ByteBuffer) throws(SocketError) {
        var start = 0
        while start < bytes.count {
            let descriptor = socket.number
            let (count, code) = unsafe bytes.withUnsafeBytes(start..<bytes.count) { memory in
                let count = unsafe Glibc.send(
                    descriptor, memory.baseAddress, memory.count, Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT))
                return (count, count < 0 ? errorNumber : 0)
            }
            start += max(count, 0)
            if code == 0 || code == EINTR { continue }
            guard code == EAGAIN else { throw SocketError(code: code, path, "send") }
            guard try socket.wait(for: POLLOUT, atMost: timeout) != 0 else {
                throw SocketError(.timedOut, path, "the reader took nothing for \(timeout); is it stuck?")
            }
        }
    }

    /// Whether the reader has taken everything that was sent.
    package var isRead: Bool { connlog_unacknowledged_bytes(socket.number) == 0 }

    /// Waits a little; comes back early when the reader goes away.
    package func pause(_ duration: Duration) throws(SocketError) {
        if try socket.wait(for: POLLIN, atMost: duration) != 0 { try check() }
    }

    /// Notices that the reader is gone, or another one has taken its place: then what it had not read is lost, though
    /// nothing is left unread.
    package func check() throws(SocketError) {
        if let error = socket.pendingError("send") { throw error }
        if isStream {
            var byte: UInt8 = 0
            let count = unsafe recv(socket.number, &byte, 1, Int32(MSG_DONTWAIT))
            if count == 0 { throw SocketError(.closed, path, "the reader closed the connection") }
            if count < 0, errorNumber != EAGAIN { throw SocketError(code: errorNumber, path, "recv") }
            return
        }
        guard LocalSocket.inode(of: path) == inode else {
            throw SocketError(.closed, path, "the reader has made its socket anew")
        }
        let probe = try SocketDescriptor(localFor: .datagram, peer: path)
        try LocalSocket.connect(probe, path)
    }
}
