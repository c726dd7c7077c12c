#if Server
/// Where browsers find the server when a proxy stands before it: `https://coder.example.com/connlog`.
package struct ExternalURL: Sendable, Equatable {
    package let isSecure: Bool
    /// Host and, if it is not the usual one, port; in lower case.
    package let authority: String
    /// Begins with `/` and ends with none, but for `/` itself.
    package let path: String

    /// `nil` for anything that is not `http(s)://host[:port][/path]`.
    package init?(_ text: String) {
        let lower = text.lowercased()
        guard let scheme = ["https://", "http://"].first(where: lower.hasPrefix) else { return nil }
        isSecure = scheme == "https://"
        let rest = text.dropFirst(scheme.count)
        let host = rest.prefix { $0 != "/" }.lowercased()
        var path = rest.dropFirst(host.count)
        while path.hasSuffix("/") { path.removeLast() }
        // The path stands in a cookie, where these would end it.
        let isPlain = text.utf8.allSatisfy { (0x21...0x7e).contains($0) && !Array(";,\"\\?#@".utf8).contains($0) }
        guard isPlain, !host.isEmpty, !host.hasPrefix(":") else { return nil }
        authority = host
        self.path = path.isEmpty ? "/" : String(path)
    }
}
#endif
