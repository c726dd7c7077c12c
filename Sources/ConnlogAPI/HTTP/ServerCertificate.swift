#if Server
import HummingbirdCore
import Logging
import NIOCore
import NIOHTTP1
import NIOSSL
import Synchronization

/// The certificate that new connections get; it can be replaced while the server runs.
package final class ServerCertificate: Sendable {
    private struct Current {
        let context: NIOSSLContext
        /// When the first certificate of the chain ends, in seconds since 1970.
        let end: Int
    }

    private let current: Mutex<Current>

    /// Reads PEM files.
    /// - Throws: what is wrong with them.
    package init(certificate: String, key: String) throws {
        current = Mutex(try ServerCertificate.read(certificate, key))
    }

    /// Takes another one; with something wrong in it, the old one stays.
    package func replace(certificate: String, key: String) throws {
        let new = try ServerCertificate.read(certificate, key)
        current.withLock { $0 = new }
    }

    private static func read(_ certificate: String, _ key: String) throws -> Current {
        let certificates = try NIOSSLCertificate.fromPEMFile(certificate)
        let chain = certificates.map { NIOSSLCertificateSource.certificate($0) }
        let key = try NIOSSLPrivateKey(file: key, format: .pem)
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: chain, privateKey: .privateKey(key))
        configuration.minimumTLSVersion = .tlsv12
        // Of TLS 1.2 what keeps a recording secret when the key is known later, and authenticates what it encrypts.
        configuration.cipherSuiteValues = [
            .TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, .TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
            .TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, .TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
            .TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, .TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
        ]
        return Current(
            context: try NIOSSLContext(configuration: configuration),
            end: certificates.first.map { Int($0.notValidAfter) } ?? 0)
    }

    var context: NIOSSLContext { current.withLock { $0.context } }
    /// When it ends, in seconds since 1970.
    var end: Int { current.withLock { $0.end } }
}

/// HTTP, over TLS with the certificate of the moment if there is one, for connections that are counted.
struct ServerChannel: ServerChildChannel, HTTPChannelHandler {
    typealias Value = HTTP1Channel.Value

    let base: HTTP1Channel
    let connections: Connections
    let certificate: ServerCertificate?

    var responder: HTTPChannelHandler.Responder { base.responder }

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
        channel.eventLoop.makeCompletedFuture {
            guard try connections.open(channel) != nil else {
                channel.close(promise: nil)
                throw TooManyConnections()
            }
            if let certificate {
                try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: certificate.context))
            }
        }.flatMap {
            base.setup(channel: channel, logger: logger)
        }.flatMapThrowing { value in
            let pipeline = channel.pipeline.syncOperations
            let decoder = try pipeline.handler(type: ByteToMessageHandler<HTTPRequestDecoder>.self)
            try pipeline.addHandler(RequestHeads(), position: .after(decoder))
            return value
        }
    }

    private struct TooManyConnections: Error {}

    func handle(value: Value, logger: Logger) async {
        await base.handle(value: value, logger: logger)
    }
}
#endif
