/// What a reply means for the batch, one word for each thing that can be done.
enum HECClass: Sendable, Equatable {
    /// Taken.
    case ok
    /// Taken; the receiver asks for less.
    case slow
    /// The same bytes again, later.
    case retry
    /// The same, at once if there is another endpoint.
    case retryElsewhere
    /// Configuration or credentials: keep everything, probe, alarm.
    case hold
    /// The token wants a channel: send one, or another one; hold only if that is refused too.
    case channel
    /// One event is bad.
    case isolate
    /// The index is refused. It is the same for all our events, so it is a matter of configuration: those before the
    /// number are done, the rest is held.
    case index
    /// Halve the batch.
    case shrink
    /// Send without compression; hold only if that is refused too.
    case plain
}

/// One line of a reply table.
struct HECRow: Sendable {
    let status: Int
    let code: Int
    let meaning: HECClass
    /// What the number counts from; `nil` where there is none.
    var numberBase: Int? = nil
    /// What a person can do, after the receiver's own words; empty where connlog goes on by itself.
    var nextStep: StaticString = ""
}

/// What splunkd answers, by HTTP status and code: never by text.
///
/// The number (`invalid-event-number`) counts the events before the bad one, which have been taken. For code 7 it is
/// one too high. A code from health checks that turns up elsewhere is read as if it belonged there.
enum HECReplyTable {
    static let rows: [HECRow] = [
        HECRow(status: 200, code: 0, meaning: .ok),
        HECRow(status: 403, code: 1, meaning: .hold, nextStep: "enable the token in Splunk"),
        HECRow(status: 401, code: 2, meaning: .hold, nextStep: "check the token and any proxy that removes headers"),
        HECRow(status: 401, code: 3, meaning: .hold, nextStep: "check the token and any proxy that rewrites headers"),
        HECRow(
            status: 403, code: 4, meaning: .hold, nextStep: "put a valid token in place; it is read again by itself"),
        HECRow(status: 400, code: 5, meaning: .isolate, numberBase: 0),
        HECRow(status: 400, code: 6, meaning: .isolate, numberBase: 0),
        HECRow(
            status: 400, code: 7, meaning: .index, numberBase: 1,
            nextStep: "create the index, allow it for the token, or change `index`"),
        HECRow(status: 500, code: 8, meaning: .retry),
        HECRow(status: 503, code: 9, meaning: .retryElsewhere, numberBase: 0),
        HECRow(status: 400, code: 10, meaning: .channel),
        HECRow(status: 400, code: 11, meaning: .channel),
        HECRow(status: 400, code: 12, meaning: .isolate, numberBase: 0),
        HECRow(status: 400, code: 13, meaning: .isolate, numberBase: 0),
        HECRow(status: 400, code: 14, meaning: .hold, nextStep: "enable indexer acknowledgement for the token"),
        HECRow(status: 400, code: 15, meaning: .isolate, numberBase: 0),
        HECRow(status: 400, code: 16, meaning: .hold, nextStep: "take the token out of the URL"),
        HECRow(status: 200, code: 17, meaning: .hold, nextStep: "check the path of the URL: this is the health check"),
        HECRow(status: 503, code: 18, meaning: .retryElsewhere),
        HECRow(status: 503, code: 19, meaning: .retryElsewhere),
        HECRow(status: 503, code: 20, meaning: .retryElsewhere),
        HECRow(
            status: 400, code: 21, meaning: .hold, nextStep: "put a valid token in place; it is read again by itself"),
        HECRow(status: 400, code: 22, meaning: .hold, nextStep: "enable the token in Splunk"),
        HECRow(status: 503, code: 23, meaning: .retryElsewhere),
        HECRow(status: 200, code: 24, meaning: .slow),
        HECRow(status: 200, code: 25, meaning: .slow),
        HECRow(status: 429, code: 26, meaning: .retryElsewhere, numberBase: 0),
        HECRow(status: 429, code: 27, meaning: .retryElsewhere, numberBase: 0),
        HECRow(status: 400, code: 28, meaning: .channel),
    ]

    /// The row of a reply. With status 200, 201 or 202 the code alone decides: something on the way may have put that there,
    /// and a collector that says code 0 with another of them has taken the events; held, it would get them again for ever.
    static func row(_ status: Int, _ code: Int) -> HECRow? {
        rows.first { $0.code == code && ($0.status == status || 200...202 ~= status) }
    }
}

/// One line of the table for replies by HTTP status alone.
struct HECStatusRow: Sendable {
    let statuses: ClosedRange<Int>
    let meaning: HECClass
    /// A node behind a balancer may have taken the batch before the balancer gave up.
    var mayHaveTaken = false
    var nextStep: StaticString = ""
}

/// What proxies, balancers and web servers answer, and splunkd where its body says nothing. The first line that fits
/// counts; an unknown 4xx is held, an unknown 5xx tried again.
enum HECStatusTable {
    static let rows: [HECStatusRow] = [
        HECStatusRow(
            statuses: 200...299, meaning: .hold, mayHaveTaken: true,
            nextStep: "this is no HTTP Event Collector: look for a login page, a captive portal or a wrong URL"),
        HECStatusRow(
            statuses: 303...303, meaning: .hold,
            nextStep: "this looks like Splunk Web; the HTTP Event Collector is usually on port 8088"),
        HECStatusRow(
            statuses: 300...399, meaning: .hold,
            nextStep: "redirects are not followed, as they would carry the token elsewhere: give the final URL"),
        HECStatusRow(
            statuses: 401...403, meaning: .hold, nextStep: "check the token and what stands between connlog and Splunk"),
        HECStatusRow(
            statuses: 404...405, meaning: .hold,
            nextStep: "check the path of the URL, and that the HTTP Event Collector is enabled"),
        HECStatusRow(statuses: 407...407, meaning: .hold, nextStep: "the proxy wants credentials: put them in `proxy`"),
        HECStatusRow(statuses: 408...408, meaning: .retry, mayHaveTaken: true),
        HECStatusRow(statuses: 413...413, meaning: .shrink, nextStep: "a smaller `batch_bytes` avoids this"),
        HECStatusRow(statuses: 415...415, meaning: .plain, nextStep: "set `compression = none`"),
        HECStatusRow(statuses: 425...425, meaning: .retry),
        HECStatusRow(statuses: 429...429, meaning: .retryElsewhere),
        HECStatusRow(
            statuses: 495...496, meaning: .hold,
            nextStep: "the server wants a client certificate: see tls_cert, tls_key"),
        HECStatusRow(statuses: 400...499, meaning: .hold, nextStep: "ask whoever runs this endpoint what it wants"),
        HECStatusRow(statuses: 503...503, meaning: .retryElsewhere),
        HECStatusRow(statuses: 511...511, meaning: .hold, nextStep: "the network wants a login first"),
        HECStatusRow(statuses: 500...599, meaning: .retry, mayHaveTaken: true),
        HECStatusRow(
            statuses: 0...999, meaning: .hold, nextStep: "this is no HTTP Event Collector: check the URL"),
    ]

    static func row(_ status: Int) -> HECStatusRow {
        rows.first { $0.statuses.contains(status) } ?? rows[rows.count - 1]
    }
}
