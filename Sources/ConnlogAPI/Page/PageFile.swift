#if Server
import Crypto
import HTTPTypes
import Hummingbird
import NIOCore

/// The page and its files, out of the program itself.
struct PageFile: Sendable {
    let type: String
    let bytes: [UInt8]
    /// Changes with the bytes.
    let tag: String

    private init(_ type: String, _ bytes: [UInt8]) {
        self.type = type + "; charset=utf-8"
        self.bytes = bytes
        let hash = SHA256.hash(data: bytes)
        tag = "\"" + hash.prefix(8).map { String($0, radix: 16) }.joined() + "\""
    }

    static let index = PageFile("text/html", PackageResources.index_html)

    private static let files = [
        "style.css": PageFile("text/css", PackageResources.style_css),
        "app.js": script(PackageResources.app_js), "api.js": script(PackageResources.api_js),
        "dom.js": script(PackageResources.dom_js), "row.js": script(PackageResources.row_js),
        "time.js": script(PackageResources.time_js), "list.js": script(PackageResources.list_js),
        "rows.js": script(PackageResources.rows_js), "counted.js": script(PackageResources.counted_js),
        "filter.js": script(PackageResources.filter_js), "details.js": script(PackageResources.details_js),
        "charts.js": script(PackageResources.charts_js), "live.js": script(PackageResources.live_js),
    ]

    private static func script(_ bytes: [UInt8]) -> PageFile { PageFile("text/javascript", bytes) }

    /// `nil` if the page has no such file.
    static func named(_ name: String) -> PageFile? { files[name] }

    /// Scripts, styles and data come from this server alone, and nothing is written into the document as markup.
    private static let policy =
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        + "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

    func response(_ request: Request) -> Response {
        let headers: HTTPFields = [
            .contentSecurityPolicy: PageFile.policy, .cacheControl: "no-cache", .eTag: tag, .contentType: type,
        ]
        if request.headers[.ifNoneMatch] == tag { return Response(status: .notModified, headers: headers) }
        return Response(status: .ok, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes)))
    }
}
#endif
