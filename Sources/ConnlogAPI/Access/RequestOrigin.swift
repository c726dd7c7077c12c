#if Server
import ConnlogCore
import HTTPTypes

/// What a request says of where it comes from. Browsers say so themselves, and no page can make them say otherwise.
enum RequestOrigin {
    /// Whether a page of another site made a browser send this.
    /// - Parameter own: names of this server beside the one that was asked: where browsers find it behind a proxy.
    static func isForeign(_ request: HTTPRequest, own: String?) -> Bool {
        for site in request.headerFields[values: .secFetchSite] where site != "same-origin" && site != "none" {
            return true
        }
        let names = [request.authority, own].compactMap { $0?.lowercased() }
        return request.headerFields[values: .origin].contains { origin in
            let lower = origin.lowercased()
            guard let scheme = ["http://", "https://"].first(where: lower.hasPrefix) else { return true }
            return !names.contains(String(lower.dropFirst(scheme.count)))
        }
    }

    /// Whether a `Host` names this machine: `localhost`, `::1`, or an address in 127.0.0.0/8, and nothing beside it but
    /// a port. Whoever has a name can let it lead here, so no other name counts.
    static func isLoopback(host authority: String) -> Bool {
        var name = authority[...]
        if let colon = name.lastIndex(of: ":"), !name.hasSuffix("]"),
            name.hasPrefix("[") || name.firstIndex(of: ":") == colon
        {
            let port = name[name.index(after: colon)...]
            guard !port.isEmpty, port.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return false }
            name = name[..<colon]
        }
        if name.lowercased() == "localhost" { return true }
        if name.hasPrefix("["), name.hasSuffix("]") {
            let inner = String(name.dropFirst().dropLast())
            return !inner.contains("/") && AddressBlock(inner) == AddressBlock("::1")
        }
        return !name.contains(where: { $0 == ":" || $0 == "/" || $0 == "[" })
            && AddressBlock("127.0.0.0/8")?.contains(Array(name.utf8)) == true
    }

    /// A header that only proxies add; `nil` if there is none.
    static func proxyHeader(_ fields: HTTPFields) -> String? {
        fields.first { field in
            let name = field.name.canonicalName
            return proxyHeaders.contains(name) || proxyPrefixes.contains { name.hasPrefix($0) }
        }?.name.rawName
    }

    private static let proxyPrefixes = [
        "x-forwarded", "cf-", "x-envoy-", "x-original-", "x-real-", "x-azure-", "x-appengine-", "fastly-", "fly-",
        "x-amzn-", "x-amz-cf-", "x-vercel-", "x-nf-", "x-arr-",
    ]
    private static let proxyHeaders: Set<String> = [
        "forwarded", "via", "true-client-ip", "client-ip", "x-client-ip", "x-cluster-client-ip", "x-remote-ip",
        "x-remote-addr", "remote-addr", "x-remote-user", "proxy-client-ip", "wl-proxy-client-ip", "x-proxyuser-ip",
        "x-host", "x-http-host-override", "x-coming-from", "x-proxy-id", "x-scheme", "x-url-scheme", "front-end-https",
        "cdn-loop", "x-varnish", "x-request-start", "x-akamai-edgescape", "akamai-origin-hop",
        "x-goog-iap-jwt-assertion",
        "x-cloud-trace-context",
    ]
}

extension HTTPField.Name {
    static var secFetchSite: HTTPField.Name { known("Sec-Fetch-Site") }
    static var coderSessionToken: HTTPField.Name { known("Coder-Session-Token") }
    static var firehoseRequestID: HTTPField.Name { known("X-Amz-Firehose-Request-Id") }
    static var firehoseAccessKey: HTTPField.Name { known("X-Amz-Firehose-Access-Key") }
    static var lastEventID: HTTPField.Name { known("Last-Event-ID") }
    static var forwardedFor: HTTPField.Name { known("X-Forwarded-For") }
    static var requestID: HTTPField.Name { known("X-Request-Id") }
    static var contentTypeOptions: HTTPField.Name { known("X-Content-Type-Options") }
    static var frameOptions: HTTPField.Name { known("X-Frame-Options") }
    static var referrerPolicy: HTTPField.Name { known("Referrer-Policy") }

    /// - Parameter name: one that is a name by its looks.
    static func known(_ name: String) -> HTTPField.Name { HTTPField.Name(name) ?? .cookie }
}
#endif
