#if Server
import Hummingbird
import Logging
import NIOCore

/// What is known of a request beside its bytes.
struct APIContext: InitializableFromSource, Sendable {
    /// The address of whoever asks, without port; empty if there is none.
    let peer: String
    let isLoopback: Bool
    /// It came through a socket in the file system, which only its owner can open.
    let isLocalSocket: Bool

    init(source: ApplicationRequestContextSource) {
        let address = source.channel.remoteAddress
        // A client's end of such a socket has no name, so the server's end is asked too.
        isLocalSocket = APIContext.isUnix(address) || address == nil && APIContext.isUnix(source.channel.localAddress)
        peer = address?.ipAddress ?? ""
        isLoopback = peer.hasPrefix("127.") || peer == "::1" || peer.hasPrefix("::ffff:127.")
    }

    private static func isUnix(_ address: SocketAddress?) -> Bool {
        if case .unixDomainSocket? = address { return true }
        return false
    }
}
#endif
