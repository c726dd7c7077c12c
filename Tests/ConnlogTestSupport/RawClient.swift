import Foundation
import Glibc
import Synchronization

/// A connection whose every byte is the test's own. Closed when it is let go of.
package final class RawClient: Sendable {
    private let descriptor: Int32

    /// Connects to 127.0.0.1.
    package init(port: Int) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(UInt16(port).bigEndian)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        let size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let result = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe connect(descriptor, $0, size) }
        }
        if result != 0 {
            close(descriptor)
            throw POSIXError(.ECONNREFUSED)
        }
    }

    deinit { leave() }

    private let isOpen = Mutex(true)

    /// Closes the connection, if it is open.
    package func leave() {
        let wasOpen = isOpen.withLock { isOpen in
            defer { isOpen = false }
            return isOpen
        }
        if wasOpen { close(descriptor) }
    }

    /// - Returns: whether the kernel took all of it.
    @discardableResult package func send(_ text: String) async -> Bool { await send(bytes: Array(text.utf8)) }

    /// - Returns: whether the kernel took all of it.
    @discardableResult package func send(bytes: [UInt8]) async -> Bool { await RawClient.aside { self.sendNow(bytes) } }

    /// What comes until the end, or until `isEnough` says so.
    package func read(until isEnough: @escaping @Sendable (String) -> Bool = { _ in false }) async -> String {
        await RawClient.aside { self.readNow(isEnough) }
    }

    /// Waits on a thread of its own: the server needs those of the pool.
    private static func aside<Value: Sendable>(_ body: @escaping @Sendable () -> Value) async -> Value {
        await withCheckedContinuation { continuation in
            Thread.detachNewThread { continuation.resume(returning: body()) }
        }
    }

    private func sendNow(_ bytes: [UInt8]) -> Bool {
        var rest = bytes[...]
        while !rest.isEmpty {
            let sent = unsafe rest.withUnsafeBytes {
                unsafe Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard sent > 0 else { return false }
            rest = rest.dropFirst(sent)
        }
        return true
    }

    private func readNow(_ isEnough: (String) -> Bool) -> String {
        var all: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 65_536)
        while !isEnough(String(decoding: all, as: UTF8.self)) {
            let size = piece.count
            let count = unsafe piece.withUnsafeMutableBytes { unsafe recv(descriptor, $0.baseAddress, size, 0) }
            guard count > 0 else { break }
            all += piece[..<count]
        }
        return String(decoding: all, as: UTF8.self)
    }
}
