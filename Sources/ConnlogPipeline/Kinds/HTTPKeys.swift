package import ConnlogConfig
package import ConnlogSystem

/// The keys of whatever calls a server over HTTP.
package enum HTTPKeys {
    /// Certificates and the proxy.
    package static let all = [
        Key("tls_ca", .path, help: "PEM file with the authorities to trust; without it, the system's."),
        Key("tls_cert", .path, help: "PEM file with our certificate, for servers that want one."),
        Key("tls_key", .path, help: "PEM file with the key of tls_cert."),
        Key("tls_verify", .boolean, default: "true", help: "Whether the server's certificate is checked."),
        Key(
            "tls_pin", .string, example: "sha256//YhKJKSzoTt2b5FP18fvpHo7fJYqQCjAa3HWY3tvRMwE=",
            help:
                "SHA-256 of the server's public key in base64; several separated by semicolons. For its own authority."
        ),
        Key(
            "proxy", .secret, example: "http://proxy.example.com:3128",
            help: "Proxy to go through; none for none; without it, what https_proxy and no_proxy say."),
    ]

    /// - Parameter version: names connlog to the server.
    package static func settings(_ section: Section, version: String) throws(Diagnostic) -> HTTPSettings {
        var http = HTTPSettings(userAgent: "connlog/\(version)")
        http.certificateAuthorityFile = section.optionalString("tls_ca")
        http.clientCertificateFile = section.optionalString("tls_cert")
        http.clientKeyFile = section.optionalString("tls_key")
        http.verifiesServer = section.boolean("tls_verify")
        http.pinnedPublicKey = section.optionalString("tls_pin")
        if let pins = http.pinnedPublicKey?.split(separator: ";", omittingEmptySubsequences: false),
            !pins.allSatisfy({ $0.hasPrefix("sha256//") && $0.utf8.count == 52 && $0.hasSuffix("=") })
        {
            throw section.error("tls_pin", "is no pin; write sha256// and the 44 letters of a SHA-256 in base64")
        }
        if http.clientKeyFile != nil && http.clientCertificateFile == nil {
            throw section.error("tls_key", "is of no use without tls_cert; set both, or none")
        }
        guard let reference = section.secretReference("proxy") else { return http }
        do throws(SecretError) {
            let proxy = try reference.read()
            http.proxy = proxy == "none" ? .none : .url(proxy)
        } catch {
            throw section.error("proxy", "\(error)")
        }
        return http
    }
}
