private import CConnlog
#if canImport(Glibc)
import Glibc
#endif

/// An open non-blocking socket that is closed with the last reference, and the waiting on it.
///
/// Waits look at the task every `slice`, so a cancelled task gets out within that time.
final class SocketDescriptor {
    /// The longest that a wait does not look whether the task was cancelled.
    static let slice = Duration.milliseconds(100)

    let number: Int32
    /// The peer, for errors.
    let peer: String

    init(_ address: SocketAddress, _ transport: SocketAddress.Transport, peer: String) throws(SocketError) {
        let type = transport.type | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
        number = socket(address.family, type, 0)
        self.peer = peer
        guard number >= 0 else { throw SocketError(code: errorNumber, peer, "socket") }
    }

    /// For a local socket.
    init(localFor transport: SocketAddress.Transport, peer: String) throws(SocketError) {
        number = socket(AF_UNIX, transport.type | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0)
        self.peer = peer
        guard number >= 0 else { throw SocketError(code: errorNumber, peer, "socket") }
    }

    deinit { close(number) }

    func set(_ level: Int32, _ name: Int32, _ value: Int) throws(SocketError) {
        guard connlog_set_option(number, level, name, Int32(clamping: value)) == 0 else {
            throw SocketError(code: errorNumber, peer, "setsockopt")
        }
    }

    /// Begins to connect, or for a datagram socket sets where it sends to.
    /// - Returns: whether it is done already.
    func connect(_ address: SocketAddress) throws(SocketError) -> Bool {
        let result = unsafe withUnsafeBytes(of: address.storage) { memory in
            unsafe Glibc.connect(
                number, memory.baseAddress?.assumingMemoryBound(to: sockaddr.self), address.length)
        }
        if result == 0 { return true }
        let code = errorNumber
        guard code == EINPROGRESS || code == EINTR else { throw SocketError(code: code, peer, "connect") }
        return false
    }

    /// The error that the kernel keeps for the next call, cleared by asking.
    func pendingError(_ call: String) -> SocketError? {
        let code = connlog_pending_error(number)
        return code == 0 ? nil : SocketError(code: code, peer, call)
    }

    /// Waits until the socket is ready for some of `events` (POLLIN, POLLOUT) or has failed.
    /// - Returns: what it is ready for; nothing when `limit` has passed.
    /// - Throws: `cancelled`, if the task was and `heedsCancellation`.
    func wait(
        for events: Int32, atMost limit: Duration, heedsCancellation: Bool = true
    ) throws(SocketError) -> Int32 {
        let deadline = ContinuousClock.now + limit
        while true {
            if heedsCancellation, Task.isCancelled { throw SocketError(.cancelled, peer, "stopped while waiting") }
            let left = ContinuousClock.now.duration(to: deadline)
            let slice = min(max(left, .zero), SocketDescriptor.slice)
            let ready = connlog_wait(number, events, slice.nanoseconds)
            if ready < 0 { throw SocketError(code: errorNumber, peer, "ppoll") }
            if ready > 0 || left <= .zero { return ready }
        }
    }
}

extension Duration {
    /// Whole nanoseconds, cut off.
    var nanoseconds: Int64 { components.seconds * 1_000_000_000 + components.attoseconds / 1_000_000_000 }
    /// Whole milliseconds, cut off.
    var milliseconds: Int { Int(nanoseconds / 1_000_000) }
}
