/// One collector: where it is, and how it has done lately.
struct HECEndpoint: Sendable, Equatable {
    /// Scheme, host and port, for people.
    let name: String
    /// Where events go.
    let eventURL: String
    /// Where acknowledgements are asked for.
    let ackURL: String
    let healthURL: String
    /// Requests name a channel: the server asked for one, or the configuration does.
    var wantsChannel = false
    /// Whether it gives numbers to ask for acknowledgements with; `nil` while that is not known.
    var provesEvents: Bool?
    /// Requests under way.
    private(set) var underWay = 0
    /// Before each request, as long as the server says that it nears its limits.
    private(set) var pace = Duration.zero
    /// Failures in a row.
    private(set) var failures = 0
    /// It is passed over until then, on the sink's clock.
    private(set) var restsUntil = Duration.zero

    private static let restMin = Duration.seconds(1)
    private static let restMax = Duration.seconds(60)
    private static let paceMin = Duration.milliseconds(50)
    private static let paceMax = Duration.seconds(2)

    /// Why a URL is no collector's.
    struct Mistake: Error, Equatable {
        /// Goes on after "URL".
        let text: String
    }

    /// - Parameter url: with or without the path of the collector; a path before that (a proxy's) is kept.
    init(_ url: String) throws(Mistake) {
        guard let schemeEnd = url.firstRange(of: "://")?.upperBound else {
            throw Mistake(text: "has no scheme; write https://host:8088")
        }
        let lower = url.lowercased()
        if lower.contains("token=") {
            throw Mistake(text: "must not hold the token, as URLs are logged on the way; put it in `token`")
        }
        if url.contains("?") || url.contains("#") {
            throw Mistake(text: "must end with host, port and path; index, source and the like are keys of their own")
        }
        let authorityEnd = url[schemeEnd...].firstIndex(of: "/") ?? url.endIndex
        if url[schemeEnd..<authorityEnd].contains("@") {
            throw Mistake(text: "must not hold credentials, as URLs are logged on the way; put the token in `token`")
        }
        name = String(url[..<authorityEnd])
        var path = url[authorityEnd...]
        while path.hasSuffix("/") { path.removeLast() }
        for known in ["/1.0", "/event", "/raw", "/services/collector"] where path.hasSuffix(known) {
            path.removeLast(known.count)
        }
        eventURL = name + path + "/services/collector/event"
        ackURL = name + path + "/services/collector/ack"
        healthURL = name + path + "/services/collector/health"
    }

    var isEncrypted: Bool { name.lowercased().hasPrefix("https:") }

    /// It should not be asked if another one can be: it rests after a failure, or is being tried again by one request.
    func isResting(now: Duration) -> Bool { restsUntil > now || failures > 0 && underWay > 0 }

    mutating func began() { underWay += 1 }
    mutating func ended() { underWay -= 1 }

    /// - Parameter isSlow: it took the events and asked for less.
    mutating func succeeded(isSlow: Bool = false) {
        forgetTroubles(keepingPace: true)
        if isSlow {
            pace = min(HECEndpoint.paceMax, max(HECEndpoint.paceMin, pace * 2))
        } else {
            pace = pace <= HECEndpoint.paceMin ? .zero : pace / 2
        }
    }

    mutating func forgetTroubles(keepingPace: Bool = false) {
        failures = 0
        restsUntil = .zero
        if !keepingPace { pace = .zero }
    }

    mutating func failed(now: Duration) {
        failures += 1
        var rest = HECEndpoint.restMin
        for _ in 1..<min(failures, 8) { rest *= 2 }
        restsUntil = now + min(rest, HECEndpoint.restMax)
    }
}

/// The endpoints in turn.
struct HECEndpoints: Sendable {
    private(set) var all: [HECEndpoint]
    private var next = 0

    init(_ all: [HECEndpoint]) {
        precondition(!all.isEmpty)
        self.all = all
    }

    subscript(index: Int) -> HECEndpoint {
        get { all[index] }
        set { all[index] = newValue }
    }

    mutating func forgetTroubles() {
        for index in all.indices { all[index].forgetTroubles() }
    }

    /// In which order one request tries them: the least busy one first, so that a slow one does not hold up everything;
    /// of several the next in turn; and those that rest last, as a way out only.
    mutating func order(now: Duration) -> [Int] {
        let turn = all.indices.map { (next + $0) % all.count }
        next = (next + 1) % all.count
        let places = turn.enumerated().map { (place: $0.offset, index: $0.element) }
        let awake = places.filter { !all[$0.index].isResting(now: now) }
            .sorted { (all[$0.index].underWay, $0.place) < (all[$1.index].underWay, $1.place) }
        let resting = places.filter { all[$0.index].isResting(now: now) }
            .sorted { (all[$0.index].restsUntil, $0.place) < (all[$1.index].restsUntil, $1.place) }
        return (awake + resting).map(\.index)
    }
}

/// Names of channels.
enum HECChannelName {
    /// A random UUID (RFC 9562, version 4).
    static func make(using generator: inout some RandomNumberGenerator) -> String {
        let digits = Array("0123456789abcdef")
        var text = ""
        for place in 0..<32 {
            if [8, 12, 16, 20].contains(place) { text += "-" }
            let random = Int.random(in: 0..<16, using: &generator)
            text.append(place == 12 ? "4" : digits[place == 16 ? 8 + random % 4 : random])
        }
        return text
    }
}
