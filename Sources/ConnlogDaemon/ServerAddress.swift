package import ConnlogConfig

/// Where the server of a configuration is, for commands that ask it.
package struct ServerAddress: Sendable, Equatable {
    package let url: String
    /// The certificate that it shows, when it speaks TLS.
    package let certificate: String?
    /// Where whoever may enter `data_dir` needs no token.
    package let localSocket: String

    /// In `data_dir`, for whoever may enter that.
    static let socketName = "connlog.sock"

    /// `nil` without a `[server]`.
    package init?(_ configuration: Configuration) {
        guard let section = configuration.sections(ofKind: "server").first else { return nil }
        let (host, port) = section.address("listen")
        certificate = section.optionalString("tls_cert")
        localSocket = configuration.connlog.string("data_dir") + "/" + ServerAddress.socketName
        let name =
            switch host {
            case "0.0.0.0", "*": "127.0.0.1"
            case "::": "[::1]"
            default: host.contains(":") ? "[\(host)]" : host
            }
        url = "\(certificate == nil ? "http" : "https")://\(name):\(port)"
    }
}
