/// How a TLS connection is secured. Files are read again for every connection, so that a renewed one is seen.
public struct TLSSettings: Sendable, Equatable {
    /// PEM file with the authorities to trust; `nil` for the system's.
    public var authorityFile: String?
    /// PEM file with our own certificate and what stands between it and its authority.
    public var certificateFile: String?
    /// PEM file with its key; `nil` when it stands in `certificateFile`.
    public var keyFile: String?
    /// Whether the peer's certificate is checked at all.
    public var verifies = true
    /// If there are any, the peer's certificate must be one of these, and nothing else about it matters
    /// (RFC 5425 §4.2.2).
    public var fingerprints: [CertificateFingerprint] = []

    /// The system's authorities, no certificate of one's own, and the server is verified.
    public init() {}
}

/// The hash of a certificate as RFC 5425 §4.2.2 writes it: `sha-1:E1:2D:53:...` or `sha-256:...`.
public struct CertificateFingerprint: Sendable, Hashable, CustomStringConvertible {
    /// By which it was made.
    public enum Algorithm: String, Sendable, CaseIterable {
        case sha1 = "sha-1"
        case sha256 = "sha-256"

        var digestBytes: Int { self == .sha1 ? 20 : 32 }
    }

    /// By which it was made.
    public let algorithm: Algorithm
    /// The digest's bytes.
    public let digest: [UInt8]

    init(_ algorithm: Algorithm, _ digest: [UInt8]) {
        self.algorithm = algorithm
        self.digest = digest
    }

    /// Reads the algorithm's name, a colon, and pairs of hexadecimal digits with or without colons between them.
    public init?(_ text: String) {
        guard let colon = text.firstIndex(of: ":"),
            let algorithm = Algorithm(rawValue: text[..<colon].lowercased())
        else { return nil }
        var digits: [UInt8] = []
        for character in text[text.index(after: colon)...] where character != ":" {
            guard character.isASCII, let digit = character.hexDigitValue else { return nil }
            digits.append(UInt8(digit))
        }
        guard digits.count == 2 * algorithm.digestBytes else { return nil }
        self.init(algorithm, stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] })
    }

    /// As RFC 5425, 4.2.2 writes it.
    public var description: String {
        let pairs = digest.map { byte in
            let text = String(byte, radix: 16, uppercase: true)
            return text.count == 1 ? "0" + text : text
        }
        return "\(algorithm.rawValue):\(pairs.joined(separator: ":"))"
    }
}
