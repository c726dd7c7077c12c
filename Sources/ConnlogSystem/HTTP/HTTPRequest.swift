/// One HTTP/1.1 request.
package struct HTTPRequest: Sendable {
    package enum Method: String, Sendable { case get = "GET", post = "POST" }

    package var method: Method
    package var url: String
    /// Names and values, without line ends. User-Agent, Host and Content-Length are the session's.
    package var headers: [(name: String, value: String)]
    /// Handed back in `HTTPResult.requestBody`, so that its memory goes round.
    package var body: ByteBuffer
    /// From the call to the last byte of the reply.
    package var timeout: Duration
    /// After a reply with one of these statuses the connection is closed, so that the next request may meet another
    /// node behind a balancer.
    package var statusesThatClose: Set<Int>
    /// Gets the body of a reply with status 200 as it comes, on the session's own thread, instead of its being kept: for
    /// bodies without end.
    package var takesBody: (@Sendable ([UInt8]) -> Void)?

    package init(
        _ method: Method, _ url: String, headers: [(name: String, value: String)] = [],
        body: consuming ByteBuffer = ByteBuffer(), timeout: Duration, statusesThatClose: Set<Int> = []
    ) {
        self.method = method
        self.url = url
        self.headers = headers
        self.body = body
        self.timeout = timeout
        self.statusesThatClose = statusesThatClose
    }
}

/// What all requests of a session share.
public struct HTTPSettings: Sendable {
    /// Through which proxy requests go.
    public enum Proxy: Sendable, Equatable {
        /// What `https_proxy`, `http_proxy` and `no_proxy` say.
        case environment
        case none
        case url(String)
    }

    /// Never empty: splunkd falls back to HTTP/1.0 for a client that names itself not at all.
    public var userAgent: String
    /// PEM file with the authorities to trust; `nil`: the system's.
    public var certificateAuthorityFile: String?
    /// PEM; with it, `clientKeyFile`.
    public var clientCertificateFile: String?
    /// PEM.
    public var clientKeyFile: String?
    /// Whether the server's certificate must be good for its name.
    public var verifiesServer = true
    /// `sha256//` and base64, several separated by semicolons: the server's public key must be one of them.
    public var pinnedPublicKey: String?
    /// Through which proxy requests go.
    public var proxy = Proxy.environment
    /// A local socket to connect to, whatever host the URL names; at most 107 bytes.
    public var localSocket: String?
    /// Name, connection and TLS together.
    public var connectTimeout = Duration.seconds(10)
    /// A connection is not used again when it is older than this, so that new nodes get their share.
    public var connectionAge = Duration.seconds(300)
    /// Nor when it was idle for longer than this.
    public var connectionIdle = Duration.seconds(50)

    /// - Parameter userAgent: what is sent as `User-Agent`.
    public init(userAgent: String) {
        precondition(!userAgent.isEmpty)
        self.userAgent = userAgent
    }
}

/// What became of a request, and its body's memory.
package struct HTTPResult: Sendable {
    package let outcome: Result<HTTPResponse, HTTPFailure>
    package var requestBody: ByteBuffer
    /// From start to end.
    package let duration: Duration
}

/// A reply that came whole.
package struct HTTPResponse: Sendable, Equatable {
    /// Bytes of a body, unpacked if it was compressed, that are kept; more is read, up to `HTTPResponse.bodyBytesRead`, and forgotten.
    package static let bodyBytesKept = 64 << 10
    /// A longer body is broken off.
    package static let bodyBytesRead = 1 << 20
    /// Nor is more taken of headers, those of interim replies included.
    package static let headerBytesMax = 256 << 10

    package var status: Int
    package var contentType: String?
    /// As sent: seconds or a date.
    package var retryAfter: String?
    /// What the server says of how often it may be asked; `nil` where it says nothing.
    package var rateLimit: HTTPRateLimit?
    package var cookies: [String]
    package var body: [UInt8]
    /// More came than was kept.
    package var bodyIsCut: Bool

    package init(
        status: Int, contentType: String? = nil, retryAfter: String? = nil, cookies: [String] = [], body: [UInt8] = [],
        bodyIsCut: Bool = false
    ) {
        self.status = status
        self.contentType = contentType
        self.retryAfter = retryAfter
        self.cookies = cookies
        self.body = body
        self.bodyIsCut = bodyIsCut
    }
}

/// How often a server may be asked, by its headers `X-RateLimit-*`, each as it stands there; `nil`: not said, or no number.
package struct HTTPRateLimit: Sendable, Equatable {
    /// Requests in a window, which is the server's.
    package var limit: Int?
    /// Of these, how many are left.
    package var remaining: Int?
    /// When the next window begins, in seconds since 1970 by the server's clock.
    package var reset: Int64?

    package init(limit: Int? = nil, remaining: Int? = nil, reset: Int64? = nil) {
        self.limit = limit
        self.remaining = remaining
        self.reset = reset
    }
}

/// Why there is no whole reply.
package struct HTTPFailure: Error, Sendable, Equatable {
    package enum Kind: String, Sendable {
        /// The name has no address.
        case resolve = "name_not_found"
        /// Nobody takes connections there.
        case connect = "connect_failed"
        /// TLS could not be agreed on.
        case handshake = "tls_failed"
        /// The server's certificate is not trusted, or is for another name.
        case untrusted = "tls_untrusted"
        /// The server wants a certificate of ours, or another one.
        case refused = "tls_refused"
        /// One of our own certificate files is missing or wrong.
        case certificateFile = "tls_file"
        case timeout = "timeout"
        /// The connection broke, or what came is not HTTP.
        case broken = "connection_broken"
        /// The request itself is impossible, such as a malformed URL.
        case request = "bad_request"
        /// The task was cancelled, or the session closed.
        case cancelled = "cancelled"
    }

    /// How much of the body went out.
    package enum SentBody: Sendable { case none, part, all }

    package var kind: Kind
    /// libcurl's number, 0 when it has none.
    package var code: Int32
    /// One line in libcurl's words.
    package var text: String
    /// With `all`, the server may have taken the request.
    package var sentBody: SentBody
    /// The status of a reply that broke off, or of a proxy that refused; 0 when none came.
    package var status: Int

    package init(kind: Kind, code: Int32 = 0, text: String, sentBody: SentBody = .none, status: Int = 0) {
        self.kind = kind
        self.code = code
        self.text = text
        self.sentBody = sentBody
        self.status = status
    }
}
