internal import ConnlogCore
internal import ConnlogSystem

/// What we know of a request when its reply is judged.
struct HECSent: Sendable {
    /// As shown to people: no path, no credentials.
    var endpoint: String
    var events: Int
    /// Before compression.
    var bodyBytes: Int
    var isCompressed = false
    /// The channel was named.
    var hasChannel = false
    /// Nothing counts but what is acknowledged: events that were taken before a bad one are not.
    var isProving = false
    /// The index of all its events, for people.
    var index: String?
    /// The endpoint has answered as a collector before.
    var isKnown = false
    /// For a Retry-After that is a date.
    var now: Nanoseconds = 0
}

/// What a reply means: for the batch, and for how the next request is made. A pure function of the two.
struct HECVerdict: Equatable, Sendable {
    /// What the sink changes in itself.
    enum Change: Equatable, Sendable {
        /// The token was refused: read it again.
        case token
        /// Send a channel, a new one if there was one.
        case channel
        /// Compress no more.
        case compression
        /// The receiver nears its limits.
        case slower
    }

    var outcome: SendOutcome
    var change: Change?
    /// Another endpoint may do better, at once, without a risk of repeating.
    var isForAnotherEndpoint = false
    var ackID: UInt64?
    /// Splunk's, if it gave one.
    private(set) var code: Int?

    /// The receiver has too much to do: it says so, or takes too long.
    var isOverload: Bool {
        switch outcome {
        case .retry(_, let reason) where change == nil:
            reason.code != nil || reason.label == HTTPFailure.Kind.timeout.rawValue
        case .deliveredPrefix: code != 7
        default: change == .slower
        }
    }

    /// Splunk Cloud answers "too large" with code 6 at the first event; its documented limit is this.
    static let cloudBodyMax = 1_000_000
    /// A receiver that asks for a longer pause is asked again after this.
    static let retryAfterMax = Duration.seconds(300)

    init(_ outcome: Result<HTTPResponse, HTTPFailure>, _ sent: HECSent) {
        switch outcome {
        case .success(let response): self.init(response, sent)
        case .failure(let failure): self.init(failure, sent)
        }
    }

    private init(_ outcome: SendOutcome, change: Change? = nil, elsewhere: Bool = false, ackID: UInt64? = nil) {
        self.outcome = outcome
        self.change = change
        isForAnotherEndpoint = elsewhere
        self.ackID = ackID
    }

    // MARK: replies

    private init(_ response: HTTPResponse, _ sent: HECSent) {
        let body = HECReplyBody(response.body, contentType: response.contentType, isCut: response.bodyIsCut)
        if case .reply(let reply) = body, let row = HECReplyTable.row(response.status, reply.code) {
            self.init(row, reply, response, sent)
        } else {
            self.init(HECStatusTable.row(response.status), body, response, sent)
        }
    }

    private init(_ row: HECRow, _ reply: HECReply, _ response: HTTPResponse, _ sent: HECSent) {
        var words = "\(sent.endpoint) answered \(response.status) code \(row.code) (\(reply.text))"
        if row.meaning == .index {
            words += sent.index.map { " for index '\($0)'" } ?? " for the token's default index"
        }
        let reason = HECVerdict.reason(
            "hec_\(row.code)", words, "\(row.nextStep)", mayRepeat: row.code == 8,
            code: "\(response.status)/\(row.code)", endpoint: sent.endpoint)
        // How many events were taken before the one that was refused; `nil` if that cannot be believed.
        let taken = reply.invalidEventNumber.flatMap { number -> Int? in
            guard let base = row.numberBase else { return nil }
            return (0..<sent.events).contains(number - base) ? number - base : nil
        }
        switch row.meaning {
        case .ok: self.init(.delivered, ackID: reply.ackID)
        case .slow: self.init(.delivered, change: .slower, ackID: reply.ackID)
        case .isolate where row.code == 6 && (taken ?? 0) == 0 && sent.bodyBytes > HECVerdict.cloudBodyMax:
            self.init(.tooLarge(reason))
        case .isolate:
            if let taken, taken > 0, sent.isProving {
                self.init(.rejectedUnproven(at: taken, reason.repeating))
            } else {
                // Those before the bad one were taken, and nobody knows how many they are.
                self.init(.rejected(at: taken, taken == nil && sent.events > 1 ? reason.repeating : reason))
            }
        case .index, .retry, .retryElsewhere:
            if let taken, taken > 0 {
                self.init(sent.isProving ? HECVerdict.again(row, reason.repeating) : .deliveredPrefix(taken))
            } else if row.meaning == .index {
                self.init(.hold(reason))
            } else {
                self.init(.retry(after: HECVerdict.pause(response, sent), reason))
                isForAnotherEndpoint = row.meaning == .retryElsewhere
            }
        default: self.init(row.meaning, reason, response, sent)
        }
        if [1, 2, 3, 4, 21, 22].contains(row.code) { change = .token }
        code = row.code
    }

    /// Some were taken, but there will be no acknowledgement of them.
    private static func again(_ row: HECRow, _ reason: Reason) -> SendOutcome {
        row.meaning == .index ? .hold(reason) : .retry(after: nil, reason)
    }

    private init(_ row: HECStatusRow, _ body: HECReplyBody, _ response: HTTPResponse, _ sent: HECSent) {
        let status = response.status
        let words = "\(sent.endpoint) answered \(status) \(HECVerdict.description(body))"
        // A reply that broke off is a fault of the connection, whoever began it.
        if body == .cut, status < 300 {
            self.init(.retry(after: nil, HECVerdict.reason("reply_cut", words, "", mayRepeat: true)))
            return
        }
        let label = status < 300 ? "not_hec" : "http_\(status)"
        let reason = HECVerdict.reason(
            label, words, "\(row.nextStep)", mayRepeat: row.mayHaveTaken, code: "\(status)", endpoint: sent.endpoint)
        self.init(row.meaning, reason, response, sent)
        if (401...403).contains(status) { change = .token }
    }

    /// The classes that need no number.
    private init(_ meaning: HECClass, _ reason: Reason, _ response: HTTPResponse, _ sent: HECSent) {
        switch meaning {
        case .retry: self.init(.retry(after: HECVerdict.pause(response, sent), reason))
        case .retryElsewhere: self.init(.retry(after: HECVerdict.pause(response, sent), reason), elsewhere: true)
        case .shrink: self.init(.tooLarge(reason))
        case .plain where sent.isCompressed: self.init(.retry(after: .zero, reason), change: .compression)
        case .channel where !sent.hasChannel: self.init(.retry(after: .zero, reason), change: .channel)
        case .channel: self.init(.hold(reason), change: .channel)
        default: self.init(.hold(reason))
        }
    }

    // MARK: no reply

    private init(_ failure: HTTPFailure, _ sent: HECSent) {
        let words = "\(sent.endpoint): \(HECText.printable(Array(failure.text.utf8)))"
        let mayRepeat = failure.sentBody == .all
        func reason(_ nextStep: String) -> Reason {
            HECVerdict.reason(failure.kind.rawValue, words, nextStep, mayRepeat: mayRepeat)
        }
        switch failure.kind {
        case .untrusted:
            self.init(
                .hold(
                    reason(
                        "set `tls_ca` to the authority of the server's certificate or `tls_pin` to its key, or have its name "
                            + "or dates mended"
                    )))
        case .refused:
            self.init(.hold(reason("the server wants a certificate of ours that it trusts: see tls_cert and tls_key")))
        case .certificateFile:
            self.init(
                .hold(
                    reason("check the files of tls_ca, tls_cert and tls_key; a key with a pass phrase cannot be used")))
        // A TLS alert looks like the oldest HTTP.
        case .request where failure.text.contains("HTTP/0.9"):
            self.init(.hold(reason("if this port speaks TLS, write https://")))
        case .request: self.init(.hold(reason("check `url` and `proxy`")))
        case .cancelled: self.init(.retry(after: nil, reason("")))
        case .broken where HECStatusTable.row(failure.status).meaning == .hold && failure.status >= 300:
            self.init(.hold(reason("\(HECStatusTable.row(failure.status).nextStep)")))
        case .resolve, .connect, .handshake, .broken, .timeout:
            self.init(.retry(after: nil, reason(HECVerdict.schemeAdvice(failure, sent))), elsewhere: !mayRepeat)
        }
    }

    /// What http to a port for https looks like, and the other way round; Splunk's collectors speak TLS unless told not to.
    private static func schemeAdvice(_ failure: HTTPFailure, _ sent: HECSent) -> String {
        guard !sent.isKnown, failure.status == 0 else { return "" }
        let isEncrypted = sent.endpoint.lowercased().hasPrefix("https:")
        return switch failure.kind {
        case .handshake where isEncrypted && failure.text.contains("wrong version number"):
            "this port does not speak TLS; if that is meant so, write http://"
        case .broken where !isEncrypted: "if this port speaks TLS, write https://"
        default: ""
        }
    }

    // MARK: words

    private static func reason(
        _ label: String, _ words: String, _ nextStep: String, mayRepeat: Bool, code: String? = nil,
        endpoint: String? = nil
    ) -> Reason {
        let text = nextStep.isEmpty ? words : "\(words): \(nextStep)"
        return Reason(label, text, mayRepeat: mayRepeat, code: code, endpoint: endpoint)
    }

    private static func description(_ body: HECReplyBody) -> String {
        switch body {
        case .reply(let reply): "code \(reply.code) (\(reply.text))"
        case .acks: "with acknowledgements that nobody asked for"
        case .empty: "with an empty body"
        case .cut: "with a body that breaks off"
        case .html(let text): "with a web page (\(text))"
        case .other(let text): "with something else (\(text))"
        }
    }

    /// What Retry-After asks for: seconds or a date, at most `retryAfterMax`; what is neither, or past, is ignored.
    private static func pause(_ response: HTTPResponse, _ sent: HECSent) -> Duration? {
        guard let text = response.retryAfter else { return nil }
        let seconds = RetryAfter.seconds(text, now: sent.now)
        guard let seconds, seconds > 0 else { return nil }
        return min(.seconds(seconds), retryAfterMax)
    }
}

extension Reason {
    /// The same, where some of the events may arrive twice.
    fileprivate var repeating: Reason { Reason(label, text, mayRepeat: true, code: code, endpoint: endpoint) }
}
