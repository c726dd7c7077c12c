import ConnlogSystem
import Foundation
import Synchronization

#if canImport(Glibc)
import Glibc
#endif

/// A TCP server on 127.0.0.1 and a free port, with a thread for each connection.
package final class LoopbackListener: Sendable {
    package let port: Int
    private let socket: Int32
    private let open = Mutex<(sockets: Set<Int32>, isStopped: Bool)>(([], false))

    /// Listens and calls `serve` with each connection, on a thread of its own; the connection is closed when it
    /// returns.
    /// - Parameters:
    ///   - wanted: the port; 0 takes any.
    ///   - receiveBuffer: bytes that the kernel may hold of a connection that is not read, about; nil lets it choose,
    ///     and it takes megabytes.
    package init(
        port wanted: Int = 0, receiveBuffer: Int32? = nil,
        _ serve: @escaping @Sendable (LoopbackConnection) -> Void
    ) throws {
        socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard socket >= 0 else { throw SystemError.last("socket", "127.0.0.1") }
        var one: Int32 = 1
        unsafe setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &one, 4)
        // Connections inherit it, and their window is offered by it from the first byte on.
        if var bytes = receiveBuffer { unsafe setsockopt(socket, SOL_SOCKET, SO_RCVBUF, &bytes, 4) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        address.sin_port = UInt16(wanted).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let socket = socket
        let failure = unsafe withUnsafeMutablePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
                unsafe bind(socket, generic, length) != 0 || listen(socket, 64) != 0
                    || getsockname(socket, generic, &length) != 0
            }
        }
        if failure { throw SystemError.last("bind", "127.0.0.1") }
        port = Int(UInt16(bigEndian: address.sin_port))
        Thread.start("listener") { [self] in accept(serve) }
    }

    /// Closes everything; a client sees its connections end.
    package func stop() {
        open.withLock { open in
            guard !open.isStopped else { return }
            open.isStopped = true
            shutdown(socket, Int32(SHUT_RDWR))
            for connection in open.sockets { shutdown(connection, Int32(SHUT_RDWR)) }
        }
    }

    private func accept(_ serve: @escaping @Sendable (LoopbackConnection) -> Void) {
        while true {
            let accepted = Glibc.accept(socket, nil, nil)
            if accepted < 0 {
                if errno == EINTR || errno == ECONNABORTED { continue }
                break
            }
            let isTaken = open.withLock { open in
                if open.isStopped { return false }
                open.sockets.insert(accepted)
                return true
            }
            guard isTaken else {
                close(accepted)
                continue
            }
            ConnlogSystem.Thread.start("connection") { [self] in
                serve(LoopbackConnection(accepted))
                open.withLock { _ = $0.sockets.remove(accepted) }
                close(accepted)
            }
        }
        close(socket)
    }

    /// A port on which nobody listens, for the time being.
    package static func freePort() throws -> Int {
        let listener = try LoopbackListener { _ in }
        listener.stop()
        return listener.port
    }
}

/// The server's end of a connection; used by its own thread.
package final class LoopbackConnection {
    let socket: Int32

    init(_ socket: Int32) {
        self.socket = socket
    }

    /// Waits for bytes; empty when the client has closed or the listener was stopped.
    package func read(atMost limit: Int) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: limit)
        while true {
            let count = unsafe recv(socket, &bytes, limit, 0)
            if count < 0 && errno == EINTR { continue }
            return Array(bytes.prefix(max(0, count)))
        }
    }

    /// Writes all of it; says whether that was possible.
    @discardableResult
    package func write(_ bytes: [UInt8]) -> Bool {
        var sent = 0
        while sent < bytes.count {
            let count = unsafe bytes.withUnsafeBytes { memory in
                unsafe send(socket, memory.baseAddress?.advanced(by: sent), bytes.count - sent, Int32(MSG_NOSIGNAL))
            }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { return false }
            sent += count
        }
        return true
    }

    /// Says that nothing more is wanted or comes (FIN), at once.
    package func shutDown() {
        shutdown(socket, Int32(SHUT_RDWR))
    }

    /// Reads nothing more and waits until the client has closed.
    package func waitUntilGone() {
        // POLLRDHUP, which the Glibc module does not have.
        var wanted = pollfd(fd: socket, events: 0x2000, revents: 0)
        while unsafe poll(&wanted, 1, -1) < 0, errno == EINTR {}
    }

    /// Ends with a reset instead of an orderly close as soon as the serving function returns.
    package func resetAtEnd() {
        var linger = linger(l_onoff: 1, l_linger: 0)
        unsafe setsockopt(socket, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout<Glibc.linger>.size))
    }

    /// Ends with a reset at once: when this returns, nothing that comes is acknowledged any more.
    package func resetNow() {
        var nobody = sockaddr()
        nobody.sa_family = sa_family_t(AF_UNSPEC)
        _ = unsafe connect(socket, &nobody, socklen_t(MemoryLayout<sockaddr>.size))
    }
}
