/// Addresses and URLs as they stand in a configuration.
enum NetworkText {
    // MARK: Addresses

    /// - Parameter sample: an address of the key that it is for.
    static func address(_ text: String, like sample: String? = nil) throws(ValueProblem) -> Value {
        let usual = sample.flatMap { try? address($0) } ?? .address(host: "siem.example.com", port: 6514)
        guard case .address(let usualHost, let usualPort) = usual else { return usual }
        // A number alone is a port.
        if !text.isEmpty, text.utf8.allSatisfy(isDigit), let port = Int(text), (1...65535).contains(port) {
            throw ValueProblem("has no host; write host:port", example: "\(example(usualHost)):\(port)")
        }
        let (host, rest) = text.hasPrefix("[") ? try bracketed(text) : try plain(text)
        guard let rest else {
            throw ValueProblem("has no port; write host:port", example: "\(example(host)):\(usualPort)")
        }
        return .address(host: host, port: try port(rest, of: host))
    }

    /// `[v6]:port` as the address and what stands after the colon.
    private static func bracketed(_ text: String) throws(ValueProblem) -> (host: String, port: Substring?) {
        guard let end = text.firstIndex(of: "]") else {
            throw ValueProblem("has no ']'; write an IPv6 address such as [2001:db8::1]:6514")
        }
        let host = String(text[text.index(after: text.startIndex)..<end])
        guard isIPv6(host) else {
            throw ValueProblem("has no IPv6 address between [ and ]; write one such as [2001:db8::1]:6514")
        }
        let after = text[text.index(after: end)...]
        if after.isEmpty { return (host, nil) }
        guard after.hasPrefix(":") else { throw ValueProblem("needs a ':' and a port after the ']'") }
        return (host, after.dropFirst())
    }

    private static func plain(_ text: String) throws(ValueProblem) -> (host: String, port: Substring?) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        if parts.count > 2, isIPv6(text) {
            throw ValueProblem("is an IPv6 address without brackets; write it such as [2001:db8::1]:6514")
        }
        guard parts.count <= 2, isHost(String(parts[0])) else {
            throw ValueProblem("is not an address; write host:port such as siem.example.com:6514")
        }
        return (String(parts[0]), parts.count == 2 ? parts[1] : nil)
    }

    private static func example(_ host: String) -> String {
        let host = host.count > 64 ? "siem.example.com" : host
        return host.contains(":") ? "[\(host)]" : host
    }

    private static func port(_ text: Substring, of host: String) throws(ValueProblem) -> Int {
        guard !text.isEmpty, text.utf8.count <= 5, text.utf8.allSatisfy(isDigit), let port = Int(text),
            (1...65535).contains(port)
        else { throw ValueProblem("has no valid port; write one from 1 to 65535 after the host, such as :6514") }
        return port
    }

    private static func isHost(_ text: String) -> Bool {
        (1...255).contains(text.utf8.count)
            && text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "." || $0 == "-" || $0 == "_") }
    }

    /// Hexadecimal groups, at most one `::`, perhaps an IPv4 tail or a zone; the system call has the last word.
    private static func isIPv6(_ text: String) -> Bool {
        let parts = text.split(separator: "%", maxSplits: 1, omittingEmptySubsequences: false)
        if parts.count == 2, parts[1].isEmpty { return false }
        let groups = parts[0].split(separator: ":", omittingEmptySubsequences: false)
        guard (3...9).contains(groups.count) else { return false }
        return groups.allSatisfy { group in
            group.count <= 4 && group.allSatisfy { $0.isASCII && $0.isHexDigit }
                || group.contains(".") && isHost(String(group))
        }
    }

    // MARK: URLs

    /// The URL itself when it is one that connlog can call.
    static func url(_ text: String) throws(ValueProblem) -> String {
        guard let scheme = ["https://", "http://"].first(where: { text.lowercased().hasPrefix($0) }) else {
            throw ValueProblem("is not a URL; write one such as https://splunk.example.com:8088", item: text)
        }
        let after = text.dropFirst(scheme.count)
        let authority = after.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        let host = authority.split(separator: "@", omittingEmptySubsequences: false).last ?? ""
        if text.contains(where: { isBlank($0) || !$0.isASCII || isControl($0) }) {
            throw ValueProblem("has a character that must be written as %XX in a URL", item: text)
        }
        guard try isAuthority(String(host)) else {
            throw ValueProblem("has no host; write a URL such as https://splunk.example.com:8088", item: text)
        }
        return text
    }

    private static func isAuthority(_ text: String) throws(ValueProblem) -> Bool {
        if text.hasPrefix("[") {
            guard let (host, rest) = try? bracketed(text) else { return false }
            if let rest { _ = try port(rest, of: host) }
            return true
        }
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard let host = parts.first, isHost(String(host)) else { return false }
        if parts.count == 2 { _ = try port(parts[1], of: String(host)) }
        return true
    }
}
