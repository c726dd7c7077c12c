import Foundation

/// Ports of 127.0.0.1.
enum Ports {
    /// Ports that nobody uses now, for TCP and UDP alike.
    static func free(_ count: Int, in workplace: Workplace) throws -> [Int] {
        try Child.tool("free_ports.py", ["\(count)"], in: workplace).split(separator: "\n").compactMap { Int($0) }
    }

    /// True when somebody listens on a TCP port, or has a UDP port.
    static func isOpen(_ port: Int) -> Bool {
        let address = "0100007F:" + String(format: "%04X", port)
        return ["/proc/net/tcp", "/proc/net/udp"].contains { file in
            read(URL(filePath: file)).split(separator: "\n").contains { line in
                let columns = line.split(separator: " ")
                // 0A is a listening TCP socket, 07 a UDP socket without a peer.
                return columns.count > 3 && columns[1] == address && (columns[3] == "0A" || columns[3] == "07")
            }
        }
    }
}
