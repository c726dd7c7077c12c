import ConnlogSystem
import ConnlogTestSupport
import Testing

#if canImport(Glibc)
import Glibc
#endif

/// A port of the loopback whose connections neither succeed nor fail: its queue is full and nobody accepts.
private final class SilentPort {
    let port: Int
    private var sockets: [Int32] = []

    init() throws {
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        sockets.append(listener)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let failed = unsafe withUnsafeMutablePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
                unsafe bind(listener, generic, length) != 0 || listen(listener, 0) != 0
                    || getsockname(listener, generic, &length) != 0
            }
        }
        if failed { throw SystemError.last("bind", "127.0.0.1") }
        port = Int(UInt16(bigEndian: address.sin_port))
        for _ in 0..<4 {
            let filler = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue), 0)
            sockets.append(filler)
            unsafe withUnsafePointer(to: &address) { pointer in
                unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
                    _ = unsafe connect(filler, generic, length)
                }
            }
        }
    }

    deinit { for socket in sockets { close(socket) } }
}

@Suite struct ConnectRaceTests {
    private func address(_ port: Int) throws -> SocketAddress {
        try #require(try SocketAddress.resolve("127.0.0.1", port: port, .stream).first)
    }

    private func options(_ limit: Duration) -> TCPConnection.Options { .init(connectTimeout: limit) }

    @Test func `an address that does not answer does not keep the next one waiting for its timeout`() throws {
        let silent = try SilentPort()
        let server = try LoopbackListener { _ = $0.read(atMost: 1) }
        defer { server.stop() }
        // With an hour for each address, only the race can come to an end.
        let connection = try TCPConnection.connect(
            to: [try address(silent.port), try address(server.port)], host: "x", name: "x", options(.seconds(3600)))
        #expect(connection.peer.contains("127.0.0.1:\(server.port)"))
    }

    @Test func `when nobody answers, that is what is told`() throws {
        let silent = try SilentPort()
        let addresses = [try address(try LoopbackListener.freePort()), try address(silent.port)]
        let error = #expect(throws: SocketError.self) {
            _ = try TCPConnection.connect(to: addresses, host: "x", name: "siem:1", self.options(.milliseconds(300)))
        }
        #expect(error?.kind == .timedOut)
        #expect(error?.description.contains("siem:1 (127.0.0.1:\(silent.port))") ?? false)
    }
}

@Suite struct CertificateFingerprintTests {
    private static let sha1 = "sha-1:E1:2D:53:2B:7C:6B:8A:29:A2:76:C8:64:36:0B:08:4B:7A:F1:9E:9D"

    @Test func `is written as RFC 5425 has it, and read with and without colons and in either case`() throws {
        let read = try #require(CertificateFingerprint(Self.sha1))
        #expect(read.description == Self.sha1)
        let plain = "SHA-1:" + Self.sha1.dropFirst(6).replacing(":", with: "").lowercased()
        #expect(CertificateFingerprint(plain) == read)
        #expect(CertificateFingerprint("sha-256:" + String(repeating: "0f", count: 32))?.digest.count == 32)
    }

    @Test(arguments: [
        "", "E1:2D", "md5:00", "sha-1:", "sha-1:E1", "sha-256:" + String(repeating: "0", count: 40),
        "sha-1:" + String(repeating: "g", count: 40),
    ])
    func `what is none is refused`(text: String) {
        #expect(CertificateFingerprint(text) == nil)
    }
}
