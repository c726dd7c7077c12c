import ConnlogSystem
import Foundation
import Synchronization

/// Indexer acknowledgement, as splunkd was measured to do it, and what can go wrong around it.
///
/// With a pipeline, events that were accepted are not indexed yet: a poll moves them on, and a restart loses them, as an
/// indexer's memory does. `events` has only what is indexed, so a client that trusts a 200 alone is found out.
extension HECServer {
    /// Accepted, not indexed.
    struct InPipeline {
        let key: String
        let ackID: UInt64
        let events: [Event]
    }

    /// How full the server says it is.
    package enum Fullness: Sendable { case normal, nearFull, full }

    /// What goes wrong in the middle, beside the scripts.
    package struct Condition: Sendable {
        package var queue = Fullness.normal
        package var acknowledgements = Fullness.normal
        package var isShuttingDown = false
        /// As Splunk Cloud: code 28 for a missing channel, code 6 at event 0 for a body that is too large.
        package var isCloud = false
        /// Indexers behind this address; with cookies they are sticky.
        package var nodes = 1
        package var setsCookies = false
    }

    package func set(_ change: (inout Condition) -> Void) { state.withLock { change(&$0.condition) } }

    /// Accepted events wait until a poll comes, and so many more polls.
    package func usePipeline(polls: Int = 0) {
        state.withLock { state in
            state.hasPipeline = true
            state.ackPollsUntilTrue = polls
        }
    }

    /// So many polls are answered with false.
    package func delayAcknowledgements(polls: Int) { state.withLock { $0.ackPollsUntilTrue = polls } }

    /// Appends steps for polls.
    package func scriptPolls(_ steps: [Step]) { state.withLock { $0.pollScript += steps } }

    /// The indexers forget their channels and lose what is not indexed; numbers begin anew.
    package func restart() {
        state.withLock { forget(&$0) }
    }

    func forget(_ state: inout State) {
        state.pipeline = []
        state.indexed = [:]
        state.nextAckID = [:]
    }

    /// The channels were idle for too long: their state is gone, the events are indexed.
    package func expireChannels() {
        state.withLock { state in
            for entry in state.pipeline { state.events += entry.events }
            state.pipeline = []
            state.indexed = [:]
            state.nextAckID = [:]
        }
    }

    /// The balancer binds everybody to another indexer from now on; the old one is gone.
    package func moveNode() { state.withLock { $0.firstNode += 1 } }

    package var pollCount: Int { state.withLock { $0.polls.count } }
    package var polls: [ServedRequest] { state.withLock { $0.polls } }

    // MARK: inside

    /// The node that a request goes to, and the cookies that its reply sets.
    func node(_ request: ServedRequest, _ state: inout State) -> (Int, [(name: String, value: String)]) {
        guard state.condition.nodes > 1 || state.condition.setsCookies else { return (0, []) }
        let cookies = request.header("cookie")?.components(separatedBy: "; ") ?? []
        let bound = cookies.compactMap { $0.hasPrefix("node=") ? Int($0.dropFirst(5)) : nil }.first
        if state.condition.setsCookies, let bound, bound >= state.firstNode { return (bound, []) }
        let node = state.firstNode + state.nextNode % state.condition.nodes
        state.nextNode += 1
        return (node, state.condition.setsCookies ? [("Set-Cookie", "node=\(node); Path=/; HttpOnly")] : [])
    }

    /// Files the events that a request has just brought under a number.
    func accept(_ fresh: [Event], key: String, _ state: inout State) -> UInt64 {
        let ackID = state.nextAckID[key, default: 0]
        state.nextAckID[key] = ackID + 1
        if state.hasPipeline {
            state.events.removeLast(fresh.count)
            state.pipeline.append(InPipeline(key: key, ackID: ackID, events: fresh))
        } else {
            state.indexed[key, default: []].insert(ackID)
        }
        return ackID
    }

    /// What a full, closing or busy server says before it looks at anything.
    func refusal(_ state: State) -> ServedReply? {
        if state.condition.isShuttingDown { return HECServer.reply(503, 23) }
        if state.condition.queue == .full { return HECServer.reply(429, 26) }
        if state.condition.acknowledgements == .full { return HECServer.reply(429, 27) }
        return nil
    }

    /// The code of a success.
    func successCode(_ state: State) -> Int {
        if state.condition.queue == .nearFull { return 24 }
        return state.condition.acknowledgements == .nearFull ? 25 : 0
    }

    func health(_ state: State) -> ServedReply {
        switch (state.condition.queue, state.condition.acknowledgements) {
        case _ where state.condition.isShuttingDown: HECServer.reply(503, 23)
        case (.full, .full): HECServer.reply(503, 20)
        case (.full, _): HECServer.reply(503, 18)
        case (_, .full): HECServer.reply(503, 19)
        default: HECServer.reply(200, 17)
        }
    }

    func acknowledgements(_ request: ServedRequest, _ state: inout State) -> ServedReply {
        state.polls.append(request)
        let step = state.pollScript.isEmpty ? .itself : state.pollScript.removeFirst()
        switch step {
        case .itself, .sips: return answerPoll(request, &state)
        case .restart:
            forget(&state)
            return answerPoll(request, &state)
        case .reply(let status, let body, let headers, _, let cut):
            return .reply(status: status, headers: headers, body: body, cutTo: cut)
        case .code(let status, let code, _, let headers, _): return HECServer.reply(status, code, headers: headers)
        case .close(let isTaking):
            // Told, and lost on the way.
            if isTaking { _ = answerPoll(request, &state) }
            return .close
        case .silence, .resetWithin, .stallWithin: return .silence
        }
    }

    private func answerPoll(_ request: ServedRequest, _ state: inout State) -> ServedReply {
        guard let rights = state.tokens[HECServer.token(request) ?? ""] else { return HECServer.reply(403, 4) }
        guard rights.isEnabled else { return HECServer.reply(403, 1) }
        guard rights.usesAcknowledgement else { return HECServer.reply(400, 14) }
        let query = request.query.split(separator: "=").last.map(String.init)
        guard let channel = query ?? request.header("x-splunk-request-channel") else { return HECServer.reply(400, 10) }
        guard UUID(uuidString: channel) != nil else { return HECServer.reply(400, 11) }
        let text = String(decoding: request.body, as: UTF8.self)
        guard let asked = (try? HECServer.parse(text) as? [String: [UInt64]])?["acks"] else {
            return HECServer.reply(400, 6)
        }
        let (node, cookies) = self.node(request, &state)
        let isReady = state.ackPollsUntilTrue == 0
        if isReady { moveOn(&state) } else { state.ackPollsUntilTrue -= 1 }
        let key = "\(node)/\(channel)"
        let states = asked.map { id in
            // Told once: then it is forgotten.
            "\"\(id)\":\(isReady && state.indexed[key]?.remove(id) != nil)"
        }
        return .reply(
            status: 200, headers: cookies + [("Content-Type", "application/json")],
            body: "{\"acks\":{\(states.joined(separator: ","))}}")
    }

    /// The indexers write what they have.
    private func moveOn(_ state: inout State) {
        for entry in state.pipeline {
            state.events += entry.events
            state.indexed[entry.key, default: []].insert(entry.ackID)
        }
        state.pipeline = []
    }
}
