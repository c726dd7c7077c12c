private import CConnlog
#if canImport(Glibc)
import Glibc
#endif

/// A server's certificate and its key, looked at as the server would use them.
package enum CertificateLook: Equatable, Sendable {
    /// They go together. The times are in seconds since 1970.
    case good(from: Int64, until: Int64)
    /// What is wrong, with the file that it is about.
    case failed(file: String, reason: String)

    /// - Parameters:
    ///   - certificate: a PEM file with the certificate and those between it and its root.
    ///   - key: a PEM file with its private key, without a passphrase.
    package static func run(certificate: String, key: String) -> CertificateLook {
        // The system's words for what cannot be opened are plainer than OpenSSL's.
        for file in [certificate, key] where unsafe access(file, R_OK) != 0 {
            return .failed(file: file, reason: SystemError.text(of: errorNumber))
        }
        var (from, until): (Int64, Int64) = (0, 0)
        var text = [CChar](repeating: 0, count: 256)
        let capacity = text.count
        let outcome = unsafe connlog_certificate_look(certificate, key, &from, &until, &text, capacity)
        if outcome == 0 { return .good(from: from, until: until) }
        let reason = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return .failed(file: outcome == -1 ? certificate : key, reason: reason)
    }
}
