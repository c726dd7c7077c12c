#if Server
import Hummingbird
import Logging
import NIOCore

/// What is known of a request beside its bytes.
struct APIContext: InitializableFromSource, Sendable {
    /// The address of whoever asks, without port; empty if there is none.
    let peer: String
    let isLoopback: Bool

    init(source: ApplicationRequestContextSource) {
        peer = source.channel.remoteAddress?.ipAddress ?? ""
        isLoopback = peer.hasPrefix("127.") || peer == "::1" || peer.hasPrefix("::ffff:127.")
    }
}
#endif
