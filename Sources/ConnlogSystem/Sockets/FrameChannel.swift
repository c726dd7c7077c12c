private import CConnlog

#if canImport(Glibc)
import Glibc
#endif

/// One message between two processes of connlog.
///
///     bytes   0-3      length of the payload, little-endian
///             4        kind
///             5-12     id, little-endian
///             13-      payload
package struct Frame: Sendable, Equatable {
    package var kind: UInt8
    /// What it belongs to, such as a question and its answer; the two ends agree on that.
    package var id: UInt64
    package var payload: [UInt8]

    package init(kind: UInt8, id: UInt64 = 0, payload: [UInt8] = []) {
        self.kind = kind
        self.id = id
        self.payload = payload
    }

    static let headBytes = 13

    var head: [UInt8] {
        let length = UInt32(payload.count)
        return (0..<4).map { UInt8(truncatingIfNeeded: length >> (8 * UInt32($0))) } + [kind]
            + (0..<8).map { UInt8(truncatingIfNeeded: id >> (8 * UInt64($0))) }
    }
}

/// One end of a stream between two processes, which carries frames. Reading and writing wait; one thread may read and one
/// write at a time. It is closed with the last reference.
package final class FrameChannel: Sendable {
    /// A frame with a larger payload is refused by both ends.
    package static let payloadBytesMax = 64 << 20

    let descriptor: Int32

    /// Takes over a descriptor that is open.
    package init(descriptor: Int32) { self.descriptor = descriptor }

    deinit { close(descriptor) }

    /// Two ends that are connected.
    package static func pair() throws(SystemError) -> (FrameChannel, FrameChannel) {
        var (first, second): (Int32, Int32) = (-1, -1)
        guard unsafe connlog_socket_pair(&first, &second) == 0 else { throw .last("socketpair", "a channel") }
        return (FrameChannel(descriptor: first), FrameChannel(descriptor: second))
    }

    /// The next frame; `nil` when the other end is closed.
    /// - Throws: also for a frame that is larger than it may be: the other end is not ours.
    package func read() throws(SystemError) -> Frame? {
        guard let head = try read(Frame.headBytes) else { return nil }
        let length = (0..<4).reduce(0) { $0 | Int(head[$1]) << (8 * $1) }
        guard length <= FrameChannel.payloadBytesMax else {
            throw SystemError(code: EMSGSIZE, call: "read", subject: "a channel")
        }
        guard let payload = try read(length) else { return nil }
        let id = (0..<8).reduce(UInt64(0)) { $0 | UInt64(head[5 + $1]) << (8 * UInt64($1)) }
        return Frame(kind: head[4], id: id, payload: payload)
    }

    /// Waits until the kernel has all of it.
    package func write(_ frame: Frame) throws(SystemError) {
        precondition(frame.payload.count <= FrameChannel.payloadBytesMax)
        try write(frame.head)
        try write(frame.payload)
    }

    /// No more is read or written at either end: whoever waits comes back.
    package func shutDown() { shutdown(descriptor, Int32(SHUT_RDWR)) }

    private func read(_ count: Int) throws(SystemError) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: count)
        var got = 0
        while got < count {
            let more = unsafe bytes.withUnsafeMutableBytes { memory in
                unsafe recv(descriptor, memory.baseAddress?.advanced(by: got), count - got, 0)
            }
            if more == 0 { return nil }
            if more < 0 {
                if errorNumber == EINTR { continue }
                if errorNumber == ECONNRESET { return nil }
                throw .last("recv", "a channel")
            }
            got += more
        }
        return bytes
    }

    private func write(_ bytes: [UInt8]) throws(SystemError) {
        var done = 0
        while done < bytes.count {
            let count = unsafe bytes.withUnsafeBytes { memory in
                unsafe send(
                    descriptor, memory.baseAddress?.advanced(by: done), bytes.count - done, Int32(MSG_NOSIGNAL))
            }
            if count < 0 {
                if errorNumber == EINTR { continue }
                throw .last("send", "a channel")
            }
            done += count
        }
    }
}
