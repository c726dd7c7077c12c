internal import ConnlogCore
internal import ConnlogSystem

/// What the reply to a poll means. A failure is never taken for an acknowledgement.
enum HECAckReply: Equatable, Sendable {
    case told([UInt64: Bool])
    /// The token has no indexer acknowledgement (code 14).
    case disabled(Reason)
    /// - isInDoubt: an answer may have been given, and was lost on the way.
    /// - isGone: nobody takes connections there.
    case failed(Reason, isInDoubt: Bool, isGone: Bool)

    init(_ result: Result<HTTPResponse, HTTPFailure>, endpoint: String) {
        switch result {
        case .success(let response): self = HECAckReply(response, endpoint)
        case .failure(let failure):
            let text = "\(endpoint): \(HECText.printable(Array(failure.text.utf8)))"
            self = .failed(
                Reason(failure.kind.rawValue, text), isInDoubt: failure.sentBody != .none,
                isGone: failure.kind == .connect || failure.kind == .resolve)
        }
    }

    private init(_ response: HTTPResponse, _ endpoint: String) {
        let status = response.status
        switch HECReplyBody(response.body, contentType: response.contentType, isCut: response.bodyIsCut) {
        case .acks(let states) where status == 200: self = .told(states)
        case .reply(let reply) where reply.code == 14:
            self = .disabled(Reason("hec_14", "\(endpoint) answered \(status) code 14 (\(reply.text))"))
        case .reply(let reply):
            let text =
                "\(endpoint) answered \(status) code \(reply.code) (\(reply.text)) when asked for acknowledgements"
            self = .failed(Reason("hec_\(reply.code)", text), isInDoubt: false, isGone: false)
        default:
            let text = "\(endpoint) answered \(status) without acknowledgements when asked for them"
            // A 4xx was refused before anything was looked up.
            self = .failed(
                Reason("http_\(status)", text), isInDoubt: !(400...499).contains(status), isGone: false)
        }
    }
}
