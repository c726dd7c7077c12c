/// What names this machine and can be made to lead nowhere else: `localhost`, `::1`, and addresses in 127.0.0.0/8. Whoever
/// has any other name can let it lead here.
package enum LoopbackHost {
    /// - Parameter host: a name or an address, an IPv6 one without brackets.
    package static func isOne(_ host: String) -> Bool {
        if host.lowercased() == "localhost" { return true }
        return !host.contains("/")
            && (AddressBlock(host) == AddressBlock("::1")
                || AddressBlock("127.0.0.0/8")?.contains(Array(host.utf8)) == true)
    }

    /// - Parameter authority: as in a URL or a `Host`: perhaps with a port, an IPv6 address in brackets.
    package static func isNamed(by authority: String) -> Bool {
        var name = authority[...]
        if let colon = name.lastIndex(of: ":"), !name.hasSuffix("]"),
            name.hasPrefix("[") || name.firstIndex(of: ":") == colon
        {
            let port = name[name.index(after: colon)...]
            guard !port.isEmpty, port.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return false }
            name = name[..<colon]
        }
        if name.hasPrefix("["), name.hasSuffix("]") {
            let address = name.dropFirst().dropLast()
            return address.contains(":") && isOne(String(address))
        }
        return !name.contains(":") && isOne(String(name))
    }
}
