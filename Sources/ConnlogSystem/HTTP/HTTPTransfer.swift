internal import CCurl
#if canImport(Glibc)
import Glibc
#endif

/// One request under way: what libcurl's callbacks read and write.
///
/// `@unchecked Sendable`: made by the task that asks, handed through the lock of the session's inbox to the session's
/// thread, and touched by that thread alone from then on.
@safe final class HTTPTransfer: @unchecked Sendable {
    enum End {
        case done(CURLcode)
        case cancelled
    }

    let number: UInt64
    var continuation: CheckedContinuation<HTTPResult, Never>?
    private(set) var handle: CurlHandle?
    private var request: HTTPRequest
    private var response = HTTPResponse(status: 0)
    /// Bytes of the body that libcurl has taken.
    private var position = 0
    private var responseBytes = 0
    /// Of all replies, interim ones too.
    private var headerBytes = 0
    /// A whole body went out, the connection died, and libcurl was not allowed to send it again.
    private var refusedRepeat = false

    init(_ number: UInt64, _ request: consuming HTTPRequest) {
        self.number = number
        self.request = request
    }

    func begin(on handle: CurlHandle, _ settings: HTTPSettings) {
        self.handle = handle
        handle.configure(settings)
        handle.configure(request)
        let context = unsafe Unmanaged.passUnretained(self).toOpaque()
        unsafe handle.set(CURLOPT_PRIVATE, context)
        unsafe handle.set(CURLOPT_HEADERDATA, context)
        unsafe handle.set(CURLOPT_WRITEDATA, context)
        unsafe handle.set(CURLOPT_HEADERFUNCTION) { bytes, size, count, context in
            unsafe HTTPTransfer.of(context).takeHeader(UnsafeRawBufferPointer(start: bytes, count: size * count))
        }
        unsafe handle.set(CURLOPT_WRITEFUNCTION) { bytes, size, count, context in
            unsafe HTTPTransfer.of(context).takeBody(UnsafeRawBufferPointer(start: bytes, count: size * count))
        }
        guard request.method == .post else { return }
        unsafe handle.set(CURLOPT_READDATA, context)
        unsafe handle.set(CURLOPT_SEEKDATA, context)
        unsafe handle.set(CURLOPT_READFUNCTION) { bytes, size, count, context in
            unsafe HTTPTransfer.of(context).giveBody(UnsafeMutableRawBufferPointer(start: bytes, count: size * count))
        }
        unsafe connlog_curl_set_seek(handle.pointer) { context, offset, origin in
            unsafe HTTPTransfer.of(context).seek(to: Int(offset), origin)
        }
    }

    private static func of(_ context: UnsafeMutableRawPointer?) -> HTTPTransfer {
        guard let context = unsafe context else { preconditionFailure("libcurl lost a context") }
        return unsafe Unmanaged<HTTPTransfer>.fromOpaque(context).takeUnretainedValue()
    }

    /// Resumes the task; returns the handle for the next transfer.
    @discardableResult
    func finish(_ end: End) -> CurlHandle? {
        let outcome = outcome(end)
        let duration = handle?.duration ?? .zero
        var body = ByteBuffer()
        swap(&body, &request.body)
        let handle = handle
        self.handle = nil
        handle?.reset()
        let continuation = continuation
        self.continuation = nil
        continuation?.resume(returning: HTTPResult(outcome: outcome, requestBody: body, duration: duration))
        return handle
    }

    private func outcome(_ end: End) -> Result<HTTPResponse, HTTPFailure> {
        switch end {
        case .cancelled:
            return .failure(
                HTTPFailure(kind: .cancelled, text: "the request was cancelled", sentBody: sentBody))
        case .done(CURLE_OK):
            return .success(response)
        case .done(CURLE_WRITE_ERROR) where response.bodyIsCut:
            return .success(response)
        case .done(let code):
            let refusal = handle?.long(CURLINFO_HTTP_CONNECTCODE) ?? 0
            let status = response.status == 0 && refusal >= 300 ? refusal : response.status
            // libcurl would speak of our refusal to send again, not of what led to it.
            let text =
                headerBytes > HTTPResponse.headerBytesMax
                ? "the server sends headers without end"
                : refusedRepeat ? "the connection broke before an answer came" : handle?.errorText(code) ?? ""
            let kind = HTTPFailure.Kind(code, text)
            return .failure(
                HTTPFailure(
                    kind: kind, code: Int32(code.rawValue), text: text,
                    // With TLS 1.3 the request may go out before the server says no to our certificate.
                    sentBody: kind == .refused ? .none : sentBody, status: status))
        }
    }

    private var sentBody: HTTPFailure.SentBody {
        if refusedRepeat { return .all }
        let sent = handle?.offset(CURLINFO_SIZE_UPLOAD_T) ?? 0
        // An empty body is sent with its header, which went out once a reply could be waited for.
        if request.body.isEmpty { return (handle?.long(CURLINFO_REQUEST_SIZE) ?? 0) > 0 ? .all : .none }
        return sent == 0 ? .none : sent < request.body.count ? .part : .all
    }

    // MARK: callbacks

    private func giveBody(_ free: UnsafeMutableRawBufferPointer) -> Int {
        let end = min(request.body.count, position + free.count)
        let length = end - position
        guard length > 0 else { return 0 }
        unsafe request.body.withUnsafeBytes(position..<end) { unsafe free.copyMemory(from: $0) }
        position = end
        return length
    }

    /// libcurl sends again by itself when a kept connection turns out dead. That is harmless while the server cannot
    /// have a whole body; after that it is for the caller to decide, who counts a possible repeat.
    private func seek(to offset: Int, _ origin: Int32) -> Int32 {
        refusedRepeat = position == request.body.count
        guard !refusedRepeat, origin == SEEK_SET, offset >= 0, offset <= request.body.count else {
            return CURL_SEEKFUNC_FAIL
        }
        position = offset
        return CURL_SEEKFUNC_OK
    }

    private func takeBody(_ bytes: UnsafeRawBufferPointer) -> Int {
        if response.status == 200, let take = request.takesBody {
            unsafe take(Array(bytes))
            return bytes.count
        }
        let room = HTTPResponse.bodyBytesKept - response.body.count
        unsafe response.body.append(contentsOf: bytes.prefix(room))
        if bytes.count > room { response.bodyIsCut = true }
        responseBytes += bytes.count
        return responseBytes > HTTPResponse.bodyBytesRead ? 0 : bytes.count
    }

    private func takeHeader(_ bytes: UnsafeRawBufferPointer) -> Int {
        headerBytes += bytes.count
        guard headerBytes <= HTTPResponse.headerBytesMax else { return 0 }
        let line = unsafe String(decoding: bytes, as: UTF8.self)
        if line.hasPrefix("HTTP/") {
            // A new reply: what came before was an interim one.
            let status = line.split(separator: " ", maxSplits: 2).dropFirst().first.flatMap { Int($0) }
            response = HTTPResponse(status: status ?? 0)
            if request.statusesThatClose.contains(response.status) { handle?.set(CURLOPT_FORBID_REUSE, 1) }
        } else if let colon = line.firstIndex(of: ":") {
            let value = line[line.index(after: colon)...].trimmed
            switch line[..<colon].lowercased() {
            case "content-type": response.contentType = value
            case "retry-after": response.retryAfter = value
            case "set-cookie": response.cookies.append(value)
            case let name where name.hasPrefix("x-ratelimit-"): takeRateLimit(name, value)
            default: break
            }
        }
        return bytes.count
    }

    private func takeRateLimit(_ name: String, _ value: String) {
        var rate = response.rateLimit ?? HTTPRateLimit()
        switch name {
        case "x-ratelimit-limit": rate.limit = Int(value)
        case "x-ratelimit-remaining": rate.remaining = Int(value)
        case "x-ratelimit-reset": rate.reset = Int64(value)
        default: return
        }
        response.rateLimit = rate
    }
}

extension Substring {
    /// Without blanks and line ends on either side.
    fileprivate var trimmed: String {
        let isBlank: (Character) -> Bool = { $0 == " " || $0 == "\t" || $0 == "\r\n" || $0 == "\n" || $0 == "\r" }
        var rest = drop(while: isBlank)
        while let last = rest.last, isBlank(last) { rest.removeLast() }
        return String(rest)
    }
}

extension HTTPFailure.Kind {
    /// OpenSSL's numbers for alerts of the server about our certificate (RFC 8446 §6.2): 1000 and the alert's own.
    /// TLS 1.2 has no alert for a certificate that is missing and says handshake_failure.
    private static let refusals = [40, 42, 43, 44, 45, 46, 48, 49, 116].map { alert in
        "error:0A000" + String(1000 + alert, radix: 16, uppercase: true)
    }

    /// - Parameter text: libcurl's words, with OpenSSL's in them.
    init(_ code: CURLcode, _ text: String) {
        switch code {
        case CURLE_SSL_CONNECT_ERROR, CURLE_RECV_ERROR, CURLE_SEND_ERROR:
            let isRefusal = HTTPFailure.Kind.refusals.contains { text.contains($0) }
            self = isRefusal ? .refused : code == CURLE_SSL_CONNECT_ERROR ? .handshake : .broken
        case CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_RESOLVE_PROXY: self = .resolve
        case CURLE_COULDNT_CONNECT: self = .connect
        case CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_ISSUER_ERROR, CURLE_SSL_PINNEDPUBKEYNOTMATCH,
            CURLE_SSL_INVALIDCERTSTATUS:
            self = .untrusted
        case CURLE_SSL_CERTPROBLEM, CURLE_SSL_CACERT_BADFILE, CURLE_SSL_CRL_BADFILE: self = .certificateFile
        case CURLE_SSL_CIPHER, CURLE_USE_SSL_FAILED: self = .handshake
        case CURLE_OPERATION_TIMEDOUT: self = .timeout
        case CURLE_URL_MALFORMAT, CURLE_UNSUPPORTED_PROTOCOL, CURLE_BAD_FUNCTION_ARGUMENT, CURLE_UNKNOWN_OPTION:
            self = .request
        default: self = .broken
        }
    }
}
