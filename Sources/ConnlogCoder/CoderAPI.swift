package import ConnlogConfig
package import ConnlogCore
package import ConnlogSystem
import Synchronization

/// Coder's HTTP API, as far as connlog asks it. The token goes to this address only: redirects are not followed.
package struct CoderAPI: Sendable {
    /// Scheme, host, port and a proxy's path, without a slash at the end.
    package let base: String
    /// connlog's own; `nil` where it only asks for others.
    private let token: SecretReference?
    private let session: HTTPSession
    private let headers: [(name: String, value: String)]
    private let timeout: Duration
    private let bytesMax: Int

    /// An answer that is longer is refused.
    package static let answerBytesMax = 64 << 20

    /// - Parameters:
    ///   - url: with or without slashes at its end.
    ///   - headers: more of them, such as an access proxy wants.
    ///   - bytesMax: of an answer.
    package init(
        url: String, token: SecretReference?, http: HTTPSettings, headers: [(name: String, value: String)] = [],
        timeout: Duration = .seconds(60), bytesMax: Int = answerBytesMax
    ) {
        var base = url[...]
        while base.hasSuffix("/") { base.removeLast() }
        self.base = String(base)
        self.token = token
        self.headers = headers
        self.timeout = timeout
        self.bytesMax = bytesMax
        session = HTTPSession(http)
    }

    /// Asks, with the token as it is now.
    /// - Parameters:
    ///   - path: after `/api/v2/`, with its query.
    ///   - what: is asked for, in words, for the sentence when there is none.
    package func get(_ path: String, _ what: String) async throws(CoderTrouble) -> JSONValue {
        try await ask(path, what).value
    }

    /// The same, with what Coder says of how often it may be asked.
    package func ask(
        _ path: String, _ what: String
    ) async throws(CoderTrouble) -> (value: JSONValue, rate: HTTPRateLimit?) {
        guard let token else { throw CoderTrouble(.token, "connlog has no token of its own for \(base)") }
        let key: String
        do throws(SecretError) { key = try token.read() } catch { throw CoderTrouble(.token, "\(error)") }
        return try await ask(path, what, as: key)
    }

    /// Asks with somebody else's token.
    package func get(_ path: String, _ what: String, as key: String) async throws(CoderTrouble) -> JSONValue {
        try await ask(path, what, as: key).value
    }

    private func ask(
        _ path: String, _ what: String, as key: String
    ) async throws(CoderTrouble) -> (value: JSONValue, rate: HTTPRateLimit?) {
        let body = Body(bytesMax)
        var request = HTTPRequest(
            .get, "\(base)/api/v2/\(path)",
            headers: headers + [("Coder-Session-Token", key), ("Accept", "application/json")], timeout: timeout)
        request.takesBody = { body.append($0) }
        let response: HTTPResponse
        switch await session.perform(request).outcome {
        case .failure(let failure): throw CoderTrouble(failure, base)
        case .success(let found): response = found
        }
        guard response.status == 200 else { throw CoderTrouble(response, what, base) }
        guard let bytes = body.bytes else {
            throw CoderTrouble(.strange, "\(base) answers with more than \(Quantity.bytes(bytesMax))")
        }
        do throws(JSONValue.Mistake) {
            return (try JSONValue(reading: bytes), response.rateLimit)
        } catch {
            let isPage = response.contentType?.hasPrefix("text/html") == true
            throw CoderTrouble(
                .strange,
                isPage
                    ? "\(base) answers with a page for browsers; a login page in front of it? Give url the address at "
                        + "which Coder itself answers, or 'headers' what lets programs through"
                    : "\(base) answers with what is no JSON: \(error)")
        }
    }

    /// What has come of an answer so far.
    private final class Body: Sendable {
        private let state = Mutex<[UInt8]?>([])
        private let bytesMax: Int

        init(_ bytesMax: Int) { self.bytesMax = bytesMax }

        func append(_ more: [UInt8]) {
            state.withLock { bytes in
                guard let count = bytes?.count else { return }
                if count + more.count > bytesMax { bytes = nil } else { bytes?.append(contentsOf: more) }
            }
        }

        /// `nil`: too many.
        var bytes: [UInt8]? { state.withLock { $0 } }
    }
}
