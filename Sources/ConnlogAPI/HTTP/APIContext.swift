#if Server
import ConnlogCore
import Hummingbird
import Logging
import NIOCore

/// What is known of a request beside its bytes.
struct APIContext: InitializableFromSource, Sendable {
    /// The address of whoever asks, without port; empty if there is none. Behind a trusted proxy, what that says.
    var peer: String
    let isLoopback: Bool
    /// The address at the other end of the connection itself, whatever headers say.
    let neighbour: String
    /// It came through a socket in the file system, which only its owner can open.
    let isLocalSocket: Bool

    private let channel: any Channel

    init(source: ApplicationRequestContextSource) {
        channel = source.channel
        let address = source.channel.remoteAddress
        // A client's end of such a socket has no name, so the server's end is asked too.
        isLocalSocket = APIContext.isUnix(address) || address == nil && APIContext.isUnix(source.channel.localAddress)
        peer = address?.ipAddress ?? ""
        neighbour = peer
        isLoopback = LoopbackHost.isOne(peer)
    }

    func client(_ connections: Connections) -> ClientConnection? { connections.client(of: channel) }

    /// The body is read from now on: a client that waits for that may send it.
    func wantBody() { channel.triggerUserOutboundEvent(RequestHeads.WantsBody(), promise: nil) }

    private static func isUnix(_ address: SocketAddress?) -> Bool {
        if case .unixDomainSocket? = address { return true }
        return false
    }
}
#endif
