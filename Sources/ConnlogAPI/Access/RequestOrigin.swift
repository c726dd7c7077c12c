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
