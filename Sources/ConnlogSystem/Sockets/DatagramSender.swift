private import CConnlog
#if canImport(Glibc)
import Glibc
#endif

/// Sends datagrams on a connected socket, many in one system call.
package struct DatagramSender {
    /// What stopped `send`.
    package struct Stop: Error, Equatable {
        /// How many datagrams went out before.
        package let sent: Int
        package let error: SocketError
    }

    // Where the datagrams of one system call lie.
    private var starts: [UInt32] = []
    private var lengths: [UInt32] = []

    /// - Parameter timeout: how long to wait for room.
    /// - Throws: what happened at datagram number `sent`: `tooLarge` is about that datagram alone; `refused` is about
    ///   an earlier one, and that one was not sent either.
    mutating func send(
        _ bytes: ByteBuffer, _ datagrams: ArraySlice<Range<Int>>, on socket: SocketDescriptor, _ timeout: Duration
    ) throws(Stop) {
        var next = datagrams.startIndex
        while next < datagrams.endIndex {
            let end = min(next + Int(connlog_datagrams_max), datagrams.endIndex)
            do throws(SocketError) {
                next += try sendSome(bytes, datagrams[next..<end], on: socket, timeout)
            } catch {
                throw Stop(sent: next - datagrams.startIndex, error: error)
            }
        }
    }

    private mutating func sendSome(
        _ bytes: ByteBuffer, _ datagrams: ArraySlice<Range<Int>>, on socket: SocketDescriptor, _ timeout: Duration
    ) throws(SocketError) -> Int {
        starts.removeAll(keepingCapacity: true)
        lengths.removeAll(keepingCapacity: true)
        for range in datagrams {
            starts.append(UInt32(range.lowerBound))
            lengths.append(UInt32(range.count))
        }
        let (sent, code) = sendBatch(bytes, socket.number)
        if sent > 0 { return sent }
        // ENOBUFS is the interface's queue being full: it passes, and nothing tells when.
        guard code == EAGAIN || code == ENOBUFS else { throw SocketError(code: code, socket.peer, "sendmmsg") }
        guard try socket.wait(for: POLLOUT, atMost: timeout) != 0 else {
            throw SocketError(.timedOut, socket.peer, "no room to send for \(timeout)")
        }
        return 0
    }

    private func sendBatch(_ bytes: ByteBuffer, _ descriptor: Int32) -> (sent: Int, code: Int32) {
        unsafe bytes.withUnsafeBytes(0..<bytes.count) { memory in
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
