import ConnlogSystem
import Foundation
import Synchronization

/// A request as a server saw it.
package struct ServedRequest: Sendable {
    package var method: String
    /// With its query.
    package var target: String
    package var version: String
    /// Names in lower case.
    package var headers: [(name: String, value: String)]
    /// As it came, still compressed.
    package var body: [UInt8]
    /// Counts connections from 0.
    package var connection: Int

    package func header(_ name: String) -> String? { headers.first { $0.name == name }?.value }
    package var path: String { String(target.prefix { $0 != "?" }) }
    package var query: String { target.contains("?") ? String(target.drop { $0 != "?" }.dropFirst()) : "" }
}

/// What a server does about a request.
package enum ServedReply: Sendable {
    /// Answers; `cutTo` says how many bytes of the body are sent before the connection is closed.
    case reply(status: Int, headers: [(name: String, value: String)] = [], body: String, cutTo: Int? = nil)
    /// Closes without a word.
    case close
    /// Says nothing until the client gives up.
    case silence
}

/// A plain HTTP/1.1 server on 127.0.0.1 for tests: keeps connections, reads whole bodies.
package final class HTTPServer: Sendable {
    /// How much of a request's body is read before the server loses interest.
    package enum Appetite: Sendable {
        case all
        /// Resets the connection after so many bytes of the body.
        case bytes(Int)
        /// Reads so many bytes of the body and no more, until the client gives up.
        case stall(Int)
        /// Reads the body to its end, so many bytes at a time.
        case sips(Int)
    }

    private let listener: LoopbackListener
    private let connections: Counter
    private let scheme: String

    package var port: Int { listener.port }
    package var url: String { "\(scheme)://127.0.0.1:\(port)" }
    /// Connections accepted so far.
    package var connectionCount: Int { connections.value }

    /// - Parameters:
    ///   - tls: speaks TLS; the files are read for each connection, so that a certificate can be renewed.
    ///   - appetite: asked once the header is there.
    ///   - answer: asked once the body is there.
    package init(
        tls: LoopbackTLS.Settings? = nil,
        appetite: @escaping @Sendable (ServedRequest) -> Appetite = { _ in .all },
        answer: @escaping @Sendable (ServedRequest) -> ServedReply
    ) throws {
        let connections = Counter()
        self.connections = connections
        scheme = tls == nil ? "http" : "https"
        listener = try LoopbackListener { connection in
            let number = connections.next()
            guard let tls else { return HTTPConversation(connection, number: number).serve(appetite, answer) }
            guard let secured = LoopbackTLS(connection, tls) else { return }
            HTTPConversation(connection, secured, number: number).serve(appetite, answer)
            secured.sayGoodbye()
        }
    }

    package func stop() { listener.stop() }
}

/// A number that many threads count up.
package final class Counter: Sendable {
    private let number = Mutex(0)

    package init() {}

    package var value: Int { number.withLock { $0 } }

    /// The number before it is counted up.
    @discardableResult
    package func next() -> Int {
        number.withLock { number in
            number += 1
            return number - 1
        }
    }
}

/// The requests of one connection, one after another.
private final class HTTPConversation {
    private let connection: LoopbackConnection
    private let secured: LoopbackTLS?
    private let number: Int
    private var pending: [UInt8] = []

    init(_ connection: LoopbackConnection, _ secured: LoopbackTLS? = nil, number: Int) {
        self.connection = connection
        self.secured = secured
        self.number = number
    }

    private func read(atMost limit: Int) -> [UInt8] {
        secured?.read(atMost: limit) ?? connection.read(atMost: limit)
    }

    func serve(
        _ appetite: (ServedRequest) -> HTTPServer.Appetite, _ answer: (ServedRequest) -> ServedReply
    ) {
        while var request = readHead() {
            let length = Int(request.header("content-length") ?? "0") ?? 0
            var sip = 1 << 18
            switch appetite(request) {
            case .all: break
            case .bytes(let limit):
                _ = readBody(min(limit, length))
                return connection.resetAtEnd()
            case .stall(let limit):
                _ = readBody(min(limit, length))
                return connection.waitUntilGone()
            case .sips(let bytes): sip = bytes
            }
            guard let body = readBody(length, atATime: sip) else { return }
            request.body = body
            switch answer(request) {
            case .reply(let status, let headers, let body, let cut):
                guard write(status, headers, Array(body.utf8), cutTo: cut), cut == nil else { return }
            case .close: return
            case .silence:
                while !read(atMost: 4096).isEmpty {}
                return
            }
        }
    }

    private func readHead() -> ServedRequest? {
        let end: [UInt8] = Array("\r\n\r\n".utf8)
        while true {
            if let range = pending.firstRange(of: end) {
                let head = String(decoding: pending[..<range.lowerBound], as: UTF8.self)
                pending.removeFirst(range.upperBound)
                return parse(head)
            }
            let more = read(atMost: 1 << 16)
            if more.isEmpty { return nil }
            pending += more
        }
    }

    private func parse(_ head: String) -> ServedRequest? {
        var lines = head.components(separatedBy: "\r\n")
        let first = lines.removeFirst().split(separator: " ").map(String.init)
        guard first.count == 3 else { return nil }
        let headers = lines.compactMap { line -> (name: String, value: String)? in
            guard let colon = line.firstIndex(of: ":") else { return nil }
            let value = line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces)
            return (line[..<colon].lowercased(), value)
        }
        return ServedRequest(
            method: first[0], target: first[1], version: first[2], headers: headers, body: [], connection: number)
    }

    private func readBody(_ length: Int, atATime most: Int = 1 << 18) -> [UInt8]? {
        while pending.count < length {
            let more = read(atMost: most)
            if more.isEmpty { return nil }
            pending += more
        }
        let body = Array(pending.prefix(length))
        pending.removeFirst(length)
        return body
    }

    private func write(
        _ status: Int, _ headers: [(name: String, value: String)], _ body: [UInt8], cutTo cut: Int?
    ) -> Bool {
        var head = "HTTP/1.1 \(status) Scripted\r\n"
        for header in headers { head += "\(header.name): \(header.value)\r\n" }
        head += "Content-Length: \(body.count)\r\n\r\n"
        let bytes = Array(head.utf8) + body.prefix(cut ?? body.count)
        return secured?.write(bytes) ?? connection.write(bytes)
    }
}
