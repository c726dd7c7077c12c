#if Server
import Hummingbird
import HTTPTypes
import NIOCore
import NIOHTTP1

/// Sees the heads of requests as they came, before they are what the rest of the server knows.
///
/// There a request has one `Host` at most, and no version. So whoever sends none with HTTP/1.1, or two, is marked here and
/// refused there (RFC 9112 §3.2). And `Expect: 100-continue` is answered here, once somebody wants the body: who is refused
/// by what the head says need not send it (RFC 9110 §10.1.1).
final class RequestHeads: ChannelDuplexHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    /// Triggered by whoever is about to read a request's body.
    struct WantsBody: Sendable {}

    /// Of each request that has no answer yet, whether its client waits for a word before it sends the body. The first
    /// is the one that is being answered.
    private var waiting: [Bool] = []

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard case .head(var head) = unwrapInboundIn(data) else { return context.fireChannelRead(data) }
        let isNew = (head.version.major, head.version.minor) >= (1, 1)
        // Nobody but this handler marks a request.
        head.headers.remove(name: RefusedHead.field.rawName)
        if isNew, !RefusedHead.isGood(head.headers["host"]) {
            head.headers.add(name: RefusedHead.field.rawName, value: "host")
            // Where it ends may be as doubtful as where it goes.
            head.headers.replaceOrAdd(name: "connection", value: "close")
        }
        waiting.append(isNew && head.headers["expect"].contains { $0.lowercased() == "100-continue" })
        context.fireChannelRead(wrapInboundOut(.head(head)))
    }

    func triggerUserOutboundEvent(context: ChannelHandlerContext, event: Any, promise: EventLoopPromise<Void>?) {
        guard event is WantsBody else { return context.triggerUserOutboundEvent(event, promise: promise) }
        if waiting.first == true {
            waiting[0] = false
            let head = HTTPResponseHead(version: .http1_1, status: .continue)
            context.writeAndFlush(wrapOutboundOut(.head(head)), promise: nil)
        }
        promise?.succeed()
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch unwrapOutboundIn(data) {
        // Too late for a word before the answer.
        case .head: if !waiting.isEmpty { waiting[0] = false }
        case .end: if !waiting.isEmpty { waiting.removeFirst() }
        case .body: break
        }
        context.write(data, promise: promise)
    }
}

/// A request that is refused by its head.
enum RefusedHead {
    static var field: HTTPField.Name { .known("Connlog-Refused-Head") }

    static func check(_ request: Request) throws(APIError) {
        guard request.headers[field] != nil else { return }
        throw APIError(
            status: .badRequest, message: "The request does not say which host it is for.",
            detail: "HTTP/1.1 wants one Host, and what names a host in it (RFC 9112, section 3.2).")
    }

    /// - Parameter hosts: the values of `Host`.
    fileprivate static func isGood(_ hosts: [String]) -> Bool {
        let signs = Array("-._~!$&'()*+,;=:[]%".utf8)
        return hosts.count == 1
            && hosts[0].utf8.allSatisfy { byte in
                (0x30...0x39).contains(byte) || (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte)
                    || signs.contains(byte)
            }
    }
}
#endif
