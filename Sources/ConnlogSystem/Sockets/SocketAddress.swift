#if canImport(Glibc)
import Glibc
#endif

/// One numeric address with its port, as the resolver gave it.
package struct SocketAddress: Sendable {
    let storage: sockaddr_storage
    let length: socklen_t
    /// `203.0.113.7:514` or `[2001:db8::1]:514`.
    package let text: String

    package var isIPv6: Bool { Int32(storage.ss_family) == AF_INET6 }
    var family: Int32 { Int32(storage.ss_family) }

    package enum Transport: Sendable { case stream, datagram }

    /// Asks the system for all addresses of a name, in the order in which they should be tried (RFC 6724).
    ///
    /// Never cached: a name may move between two connections. Blocks while the resolver waits for its name server,
    /// whatever becomes of the task.
    /// - Parameter host: a name or a numeric address without brackets.
    package static func resolve(
        _ host: String, port: Int, _ transport: Transport
    ) throws(SocketError) -> [SocketAddress] {
        var hints = unsafe addrinfo()
        unsafe hints.ai_family = AF_UNSPEC
        unsafe hints.ai_socktype = transport.type
        unsafe hints.ai_flags = AI_NUMERICSERV
        var list: UnsafeMutablePointer<addrinfo>?
        let failure = unsafe getaddrinfo(host, String(port), &hints, &list)
        guard failure == 0 else { throw notResolved(host, port, failure) }
        defer { unsafe freeaddrinfo(list) }
        var addresses: [SocketAddress] = []
        var next = unsafe list
        while let entry = unsafe next {
            unsafe addresses.append(SocketAddress(entry.pointee))
            unsafe next = unsafe entry.pointee.ai_next
        }
        return addresses
    }

    private static func notResolved(_ host: String, _ port: Int, _ failure: Int32) -> SocketError {
        let reason =
            failure == EAI_SYSTEM
            ? SystemError.text(of: errorNumber) : unsafe String(cString: gai_strerror(failure))
        return SocketError(
            .notResolved, "\(host):\(port)",
            "the name cannot be resolved: \(reason); is the name right, and does DNS work?")
    }

    private init(_ entry: addrinfo) {
        var storage = sockaddr_storage()
        let length = min(Int(unsafe entry.ai_addrlen), MemoryLayout<sockaddr_storage>.size)
        unsafe withUnsafeMutableBytes(of: &storage) { memory in
            guard let base = memory.baseAddress, let source = unsafe entry.ai_addr else { return }
            unsafe base.copyMemory(from: source, byteCount: length)
        }
        self.storage = storage
        self.length = socklen_t(length)
        text = SocketAddress.text(of: storage, socklen_t(length))
    }

    private static func text(of storage: sockaddr_storage, _ length: socklen_t) -> String {
        var host = [CChar](repeating: 0, count: Int(NI_MAXHOST))
        var port = [CChar](repeating: 0, count: Int(NI_MAXSERV))
        let failure = unsafe withUnsafeBytes(of: storage) { memory in
            unsafe getnameinfo(
                memory.baseAddress?.assumingMemoryBound(to: sockaddr.self), length, &host, socklen_t(host.count), &port,
                socklen_t(port.count), NI_NUMERICHOST | NI_NUMERICSERV)
        }
        guard failure == 0 else { return "unknown address" }
        let name = String(decoding: host.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let number = String(decoding: port.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return name.contains(":") ? "[\(name)]:\(number)" : "\(name):\(number)"
    }
}

extension SocketAddress.Transport {
    var type: Int32 {
        switch self {
        case .stream: Int32(SOCK_STREAM.rawValue)
        case .datagram: Int32(SOCK_DGRAM.rawValue)
        }
    }
}
