internal import CCurl
#if canImport(Glibc)
import Glibc
#endif

/// A libcurl easy handle with its header list and error text. Belongs to one thread.
@safe final class CurlHandle {
    let pointer: UnsafeMutableRawPointer
    private var headers: UnsafeMutablePointer<curl_slist>?
    private let errorText = UnsafeMutablePointer<CChar>.allocate(capacity: Int(CURL_ERROR_SIZE))

    init() {
        guard let pointer = unsafe curl_easy_init() else { preconditionFailure("libcurl is out of memory") }
        unsafe self.pointer = unsafe pointer
        unsafe errorText.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
    }

    deinit {
        unsafe curl_slist_free_all(headers)
        unsafe curl_easy_cleanup(pointer)
        unsafe errorText.deallocate()
    }

    /// Forgets the request; the memory stays.
    func reset() {
        unsafe curl_easy_reset(pointer)
        unsafe curl_slist_free_all(headers)
        unsafe headers = nil
        unsafe errorText.pointee = 0
    }

    // MARK: setting

    func configure(_ settings: HTTPSettings) {
        unsafe connlog_curl_allow_http_only(pointer)
        unsafe connlog_curl_read_certificates_again(pointer)
        unsafe set(CURLOPT_ERRORBUFFER, UnsafeMutableRawPointer(errorText))
        set(CURLOPT_NOSIGNAL, 1)
        set(CURLOPT_FOLLOWLOCATION, 0)
        set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1)
        set(CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_1_1))
        // libcurl allocates it for each request. Below 128 KiB glibc keeps that memory; more is new from the kernel each
        // time. Measured: 7 to 9 % less of the processor than with 1 MiB.
        set(CURLOPT_UPLOAD_BUFFERSIZE, 96 << 10)
        set(CURLOPT_TCP_KEEPALIVE, 1)
        set(CURLOPT_DNS_CACHE_TIMEOUT, 0)
        set(CURLOPT_DNS_SHUFFLE_ADDRESSES, 1)
        set(CURLOPT_MAXLIFETIME_CONN, settings.connectionAge.wholeSeconds)
        set(CURLOPT_MAXAGE_CONN, settings.connectionIdle.wholeSeconds)
        set(CURLOPT_CONNECTTIMEOUT_MS, settings.connectTimeout.wholeMilliseconds)
        set(CURLOPT_USERAGENT, settings.userAgent)
        set(CURLOPT_SSLVERSION, Int(CURL_SSLVERSION_TLSv1_2))
        set(CURLOPT_SSL_VERIFYPEER, settings.verifiesServer ? 1 : 0)
        set(CURLOPT_SSL_VERIFYHOST, settings.verifiesServer ? 2 : 0)
        if let file = settings.certificateAuthorityFile { set(CURLOPT_CAINFO, file) }
        if let pin = settings.pinnedPublicKey { set(CURLOPT_PINNEDPUBLICKEY, pin) }
        if let file = settings.clientCertificateFile { set(CURLOPT_SSLCERT, file) }
        if let file = settings.clientKeyFile { set(CURLOPT_SSLKEY, file) }
        if let path = settings.localSocket { set(CURLOPT_UNIX_SOCKET_PATH, path) }
        // A key with a pass phrase is refused; without this OpenSSL would ask for it at the terminal.
        set(CURLOPT_KEYPASSWD, "")
        // Whatever libcurl can undo: what stands between us and the server may compress unasked.
        set(CURLOPT_ACCEPT_ENCODING, "")
        switch settings.proxy {
        case .environment: break
        case .none: set(CURLOPT_PROXY, "")
        case .url(let url): set(CURLOPT_PROXY, url)
        }
    }

    func configure(_ request: HTTPRequest) {
        set(CURLOPT_URL, request.url)
        set(CURLOPT_TIMEOUT_MS, max(1, request.timeout.wholeMilliseconds))
        switch request.method {
        case .get: set(CURLOPT_HTTPGET, 1)
        case .post:
            set(CURLOPT_POST, 1)
            _ = unsafe connlog_curl_set_offset(pointer, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t(request.body.count))
        }
        addHeader("Expect:")
        for header in request.headers { addHeader("\(header.name): \(header.value)") }
        _ = unsafe connlog_curl_set_list(pointer, CURLOPT_HTTPHEADER, headers)
    }

    /// A line end within a header would let its value add headers of its own.
    private func addHeader(_ line: String) {
        let line = String(decoding: line.utf8.filter { $0 >= 0x20 && $0 != 0x7f }, as: UTF8.self)
        let longer = unsafe curl_slist_append(headers, line)
        precondition(unsafe longer != nil, "libcurl is out of memory")
        unsafe headers = unsafe longer
    }

    func set(_ option: CURLoption, _ value: Int) {
        _ = unsafe connlog_curl_set_long(pointer, option, value)
    }

    func set(_ option: CURLoption, _ value: String) {
        _ = unsafe connlog_curl_set_text(pointer, option, value)
    }

    func set(_ option: CURLoption, _ value: UnsafeMutableRawPointer) {
        _ = unsafe connlog_curl_set_pointer(pointer, option, value)
    }

    func set(_ option: CURLoption, _ function: @escaping connlog_curl_transfer) {
        _ = unsafe connlog_curl_set_transfer(pointer, option, function)
    }

    // MARK: asking

    func long(_ info: CURLINFO) -> Int { unsafe connlog_curl_get_long(pointer, info) }

    func offset(_ info: CURLINFO) -> Int { unsafe Int(connlog_curl_get_offset(pointer, info)) }

    var duration: Duration { .microseconds(offset(CURLINFO_TOTAL_TIME_T)) }

    /// What libcurl wrote about this transfer, or its general words for the code.
    func errorText(_ code: CURLcode) -> String {
        let text = unsafe errorText.pointee == 0 ? curl_easy_strerror(code) : UnsafePointer(errorText)
        guard let text = unsafe text else { return "" }
        return unsafe String(cString: text)
    }
}

extension Duration {
    fileprivate var wholeSeconds: Int { Int(components.seconds) }

    fileprivate var wholeMilliseconds: Int {
        Int(components.seconds) * 1000 + Int(components.attoseconds / 1_000_000_000_000_000)
    }
}
