import ConnlogSystem
import Foundation
import Synchronization

#if canImport(Glibc)
import Glibc
#endif

/// A log daemon's socket of this machine, for datagrams or a stream of which it takes one connection.
///
/// A path that begins with `@` is a name in Linux's abstract space instead.
package final class LocalReceiver: Sendable {
    package let path: String
    private let socket: Int32
    private let isStream: Bool
    private let state = Mutex<(connection: Int32?, isStopped: Bool)>((nil, false))

    package init(_ path: String, isStream: Bool) throws {
        self.path = path
        self.isStream = isStream
        let type = isStream ? SOCK_STREAM : SOCK_DGRAM
        socket = Glibc.socket(AF_UNIX, Int32(type.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let isAbstract = path.hasPrefix("@")
        let name = isAbstract ? [0] + path.utf8.dropFirst() : Array(path.utf8)
        guard socket >= 0, name.count < MemoryLayout.size(ofValue: address.sun_path) else {
            throw SystemError.last("socket", path)
        }
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: name) }
        let socket = socket
        let whole = MemoryLayout<sockaddr_un>.size
        // Every byte of an abstract name counts, so its length ends it.
        let length = isAbstract ? whole - MemoryLayout.size(ofValue: address.sun_path) + name.count : whole
        let failed = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
                unsafe bind(socket, generic, socklen_t(length)) != 0
            }
        }
        if failed || (isStream && listen(socket, 4) != 0) { throw SystemError.last("bind", path) }
    }

    deinit {
        stop()
        close(socket)
    }

    /// A folder for sockets, whose names have to be short.
    package static func folder() throws -> String {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("cl-\(UUID().uuidString.prefix(8))")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        return folder.path
    }

    /// The connection to read from; for datagrams the socket itself. Negative when it was stopped.
    package func accept() -> Int32 {
        guard isStream else { return state.withLock { $0.isStopped ? -1 : socket } }
        let accepted = Glibc.accept(socket, nil, nil)
        return state.withLock { state in
            guard accepted >= 0, state.isStopped else {
                state.connection = accepted
                return accepted
            }
            close(accepted)
            return -1
        }
    }

    /// Waits for a datagram, or some bytes of the stream; empty at its end.
    package func read(_ connection: Int32) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: 1 << 16)
        let count = unsafe recv(connection, &bytes, bytes.count, 0)
        return Array(bytes.prefix(max(0, count)))
    }

    /// Goes away, and makes whoever waits in `accept` or `read` go on with nothing. The path is free for another one.
    package func stop() {
        state.withLock { state in
            if state.isStopped { return }
            state.isStopped = true
            unsafe unlink(path)
            shutdown(socket, Int32(SHUT_RDWR))
            if let connection = state.connection { shutdown(connection, Int32(SHUT_RDWR)) }
        }
    }

    package func end(_ connection: Int32) {
        guard isStream else { return }
        state.withLock { $0.connection = nil }
        close(connection)
    }
}
