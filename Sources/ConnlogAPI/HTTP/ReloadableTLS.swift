#if Server
import HummingbirdCore
import Logging
import NIOCore
import NIOSSL
import Synchronization

/// The certificate that new connections get; it can be replaced while the server runs.
public final class ServerCertificate: Sendable {
    private let current: Mutex<NIOSSLContext>

    /// Reads PEM files.
    /// - Throws: what is wrong with them.
    public init(certificate: String, key: String) throws {
        current = Mutex(try ServerCertificate.read(certificate, key))
    }

    /// Takes another one; with something wrong in it, the old one stays.
    public func replace(certificate: String, key: String) throws {
        let context = try ServerCertificate.read(certificate, key)
        current.withLock { $0 = context }
    }

    private static func read(_ certificate: String, _ key: String) throws -> NIOSSLContext {
        let chain = try NIOSSLCertificate.fromPEMFile(certificate).map { NIOSSLCertificateSource.certificate($0) }
        let key = try NIOSSLPrivateKey(file: key, format: .pem)
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: chain, privateKey: .privateKey(key))
        configuration.minimumTLSVersion = .tlsv12
        return try NIOSSLContext(configuration: configuration)
    }

    var context: NIOSSLContext { current.withLock { $0 } }
}

/// HTTP over TLS with the certificate of the moment.
struct ReloadableTLSChannel: ServerChildChannel, HTTPChannelHandler {
    typealias Value = HTTP1Channel.Value

    let base: HTTP1Channel
    let certificate: ServerCertificate

    var responder: HTTPChannelHandler.Responder { base.responder }

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
        channel.eventLoop.makeCompletedFuture {
            try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: certificate.context))
        }.flatMap {
            base.setup(channel: channel, logger: logger)
        }
    }

    func handle(value: Value, logger: Logger) async {
        await base.handle(value: value, logger: logger)
    }
}
#endif
