/// The names that Kubernetes gives a container's log on its node:
///
///     /var/log/containers/coder-0_coder_coder-<64 hexadecimal digits>.log
///     /var/log/pods/coder_coder-0_<uid>/coder/0.log
///
/// The kubelet writes them, and no name in them has a `_`, so they say whose lines the runtime has put into the file. What
/// stands in the file has no part in it.
enum ContainerFileName {
    static func origin(_ path: String) -> Origin? {
        let parts = path.split(separator: "/")
        guard let name = parts.last else { return nil }
        return ofLink(name) ?? (parts.count >= 3 ? ofPod(parts[parts.count - 3], parts[parts.count - 2], name) : nil)
    }

    /// Pod, namespace, container and the container's id.
    private static func ofLink(_ name: Substring) -> Origin? {
        let words = name.split(separator: "_", omittingEmptySubsequences: false)
        guard words.count == 3, let end = words[2].lastIndex(of: "-") else { return nil }
        let id = words[2][end...].dropFirst()
        guard id.hasSuffix(".log"), id.utf8.count == 68, id.dropLast(4).utf8.allSatisfy(isHexadecimal) else {
            return nil
        }
        return origin(pod: words[0], namespace: words[1], container: words[2][..<end])
    }

    /// Namespace, pod and uid; the container; how often it was started, and a time where it was rotated.
    private static func ofPod(_ pod: Substring, _ container: Substring, _ name: Substring) -> Origin? {
        let words = pod.split(separator: "_", omittingEmptySubsequences: false)
        let start = name.prefix { $0 != "." }
        guard words.count == 3, !words[2].isEmpty, !start.isEmpty, start.utf8.allSatisfy({ $0 &- 0x30 < 10 }),
            name.dropFirst(start.count).hasPrefix(".log")
        else { return nil }
        return origin(pod: words[1], namespace: words[0], container: container)
    }

    private static func origin(pod: Substring, namespace: Substring, container: Substring) -> Origin? {
        guard [pod, namespace, container].allSatisfy({ !$0.isEmpty && $0.utf8.allSatisfy(isOfName) }) else {
            return nil
        }
        var origin = Origin()
        origin[.namespace] = String(namespace)
        origin[.container] = String(container)
        return origin
    }

    private static func isHexadecimal(_ byte: UInt8) -> Bool { byte &- 0x30 < 10 || byte &- 0x61 < 6 }

    /// RFC 1123, as Kubernetes wants names.
    private static func isOfName(_ byte: UInt8) -> Bool {
        byte &- 0x30 < 10 || byte &- 0x61 < 26 || byte == UInt8(ascii: "-") || byte == UInt8(ascii: ".")
    }
}

extension EventDecoder {
    /// The stream is a file: where its name says whose lines a container's runtime writes there, those are believed or not
    /// by that. To be called before anything is decoded.
    package mutating func isOfFile(_ path: String) {
        guard hasConditions, let origin = ContainerFileName.origin(path), conditions.fits(origin) else { return }
        for stream in [ContainerLine.Stream.stdout, .stderr] { streams[stream.rawValue].isForeign = false }
    }
}
