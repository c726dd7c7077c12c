#if canImport(Glibc)
import Glibc
#endif

/// Whether connections could be taken at an address.
package enum ListeningTrial: Equatable, Sendable {
    case free
    /// Somebody listens there.
    case taken
    /// It cannot be had, in the system's words.
    case failed(String)

    /// Takes the address for a moment, and lets go of it.
    package static func run(host: String, port: Int) -> ListeningTrial {
        do throws(SocketError) {
            var outcome = ListeningTrial.failed("the name has no address")
            for address in try SocketAddress.resolve(host == "*" ? "0.0.0.0" : host, port: port, .stream) {
                outcome = run(address)
                if outcome == .free { return .free }
            }
            return outcome
        } catch {
            return .failed(error.detail)
        }
    }

    private static func run(_ address: SocketAddress) -> ListeningTrial {
        let descriptor = socket(address.family, SocketAddress.Transport.stream.type, 0)
        guard descriptor >= 0 else { return .failed(SystemError.text(of: errorNumber)) }
        defer { close(descriptor) }
        var yes: Int32 = 1
        _ = unsafe setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
        let status = unsafe withUnsafeBytes(of: address.storage) { memory in
            unsafe bind(descriptor, memory.baseAddress?.assumingMemoryBound(to: sockaddr.self), address.length)
        }
        if status == 0, listen(descriptor, 1) == 0 { return .free }
        return errorNumber == EADDRINUSE ? .taken : .failed(SystemError.text(of: errorNumber))
    }
}
