import ArgumentParser
import ConnlogConfig
import ConnlogCore
import ConnlogDaemon
import ConnlogPipeline
import ConnlogSystem
import ConnlogTools

/// Where the running connlog is and how to be let in, for commands that ask it.
struct ServerConnection: ParsableArguments {
    @Option(
        name: .shortAndLong, help: "The configuration whose [server] is asked; default: \(ConfigurationFile.usual).",
        completion: Completions.configuration)
    var config: String?
    @Option(help: "The server itself, such as https://connlog.example.com:8484; default: --config's, or $CONNLOG_URL.")
    var url: String?
    @Option(help: "A file that holds the token; default: $CONNLOG_TOKEN.", completion: .file())
    var tokenFile: String?
    @Option(help: "A PEM file with the authority that has signed the server's certificate.", completion: .file())
    var tlsCa: String?

    init() {}

    /// For who asks without having parsed a command line.
    init(config: String?, url: String?, tokenFile: String?, tlsCa: String?) {
        (self.config, self.url, self.tokenFile, self.tlsCa) = (config, url, tokenFile, tlsCa)
    }

    /// Asks and hands the answer over as it comes.
    /// - Parameter path: with its parameters.
    /// - Throws: `ToolError` with what the server said.
    func get(
        _ path: String, query: String = "", timeout: Duration, _ take: @escaping @Sendable ([UInt8]) -> Void
    ) async throws {
        let place = try place()
        let base = place.name
        var settings = HTTPSettings(userAgent: "connlog/\(Version.text)")
        settings.certificateAuthorityFile = place.authority
        settings.localSocket = place.socket?.text
        settings.proxy = .none
        var request = HTTPRequest(.get, place.url + path, timeout: timeout)
        if let token = try token() { request.headers.append(("Coder-Session-Token", token)) }
        request.takesBody = take
        let result = await HTTPSession(settings).perform(request)
        switch result.outcome {
        case .success(let response) where response.status == 200: return
        case .success(let response):
            throw ServerMistake(status: response.status, body: response.body).error(base, query: query)
        case .failure(let failure) where failure.kind == .cancelled: throw CancellationError()
        case .failure(let failure):
            throw ToolError("\(base): \(failure.text); is connlog running, with a [server]?")
        }
    }

    /// Where the server is asked, for people.
    var name: String { get throws { try place().name } }

    /// Where the server is asked.
    private struct Place {
        var url: String
        /// For messages.
        var name: String
        var authority: String?
        var socket: ShortPath?
    }

    /// What is said on the line wins: `--url`, then `--config`, then `$CONNLOG_URL`, then the usual file.
    private func place() throws -> Place {
        if let url = url ?? (config == nil ? ProcessEnvironment.value("CONNLOG_URL") : nil) {
            let plain = url.hasSuffix("/") ? String(url.dropLast()) : url
            return Place(url: plain, name: plain, authority: tlsCa)
        }
        let config = config ?? ConfigurationFile.usual
        let loaded = Registry.connlog.load(config, valuesOf: ["connlog", "server"])
        guard let configuration = loaded.configuration else {
            throw ToolError(
                "\(config) cannot be used; name the server with --url, or try 'connlog check'", status: .usage)
        }
        guard let address = ServerAddress(configuration) else {
            throw ToolError("\(config) has no [server] to ask; add one, or name another with --url", status: .usage)
        }
        // Whoever gives a token wants to be asked for it.
        if try token() == nil, Machine.mayConnect(address.localSocket) {
            return Place(
                url: "http://localhost", name: address.localSocket, socket: ShortPath(address.localSocket))
        }
        return Place(url: address.url, name: address.url, authority: tlsCa ?? address.certificate)
    }

    private func token() throws -> String? {
        guard let tokenFile else { return ProcessEnvironment.value("CONNLOG_TOKEN") }
        do throws(SystemError) {
            let bytes = try LocalFile.openRegular(tokenFile).bytes(limit: 4096)
            let hasMark = bytes.array.starts(with: [0xEF, 0xBB, 0xBF])
            let text = bytes.text(hasMark ? 3..<bytes.count : 0..<bytes.count)
            return String(text.trimmingSuffix { $0.isWhitespace }.drop { $0.isWhitespace })
        } catch {
            throw ToolError("\(error)", status: .usage)
        }
    }
}

extension String {
    func trimmingSuffix(_ isLeft: (Character) -> Bool) -> Substring {
        var rest = self[...]
        while let last = rest.last, isLeft(last) { rest.removeLast() }
        return rest
    }
}
