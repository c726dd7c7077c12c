import ConnlogSystem
import Foundation

#if canImport(Glibc)
import Glibc
#endif

/// A UDP socket on loopback and a free port.
package final class UDPReceiver {
    package let port: Int
    private let socket: Int32

    /// - Parameter port: 0 takes any.
    package init(port wanted: Int = 0, bufferBytes: Int32 = 8 << 20) throws {
        socket = Glibc.socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
        guard socket >= 0 else { throw SystemError.last("socket", "127.0.0.1") }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        address.sin_port = UInt16(wanted).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        var buffer = bufferBytes
        unsafe setsockopt(socket, SOL_SOCKET, SO_RCVBUF, &buffer, 4)
        let socket = socket
        let failed = unsafe withUnsafeMutablePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
                unsafe bind(socket, generic, length) != 0 || getsockname(socket, generic, &length) != 0
            }
        }
        if failed { throw SystemError.last("bind", "127.0.0.1") }
        port = Int(UInt16(bigEndian: address.sin_port))
    }

    deinit { close(socket) }

    /// The datagrams that have arrived; on loopback they are there when `send` has returned.
    package func datagrams() -> [[UInt8]] {
        var all: [[UInt8]] = []
        var bytes = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = unsafe recv(socket, &bytes, bytes.count, Int32(MSG_DONTWAIT))
            if count < 0 { return all }
            all.append(Array(bytes.prefix(count)))
        }
    }

    /// A port on which nobody listens, for the time being.
    package static func freePort() throws -> Int { try UDPReceiver().port }
}
