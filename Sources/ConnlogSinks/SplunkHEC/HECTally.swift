internal import ConnlogCore
internal import ConnlogSystem

/// What was asked of one endpoint and how it was answered, in numbers.
///
///     requests, acknowledgement_polls    by answer: status and code such as 503/9, a status alone, or what broke
///     requests_under_way                 both kinds
///     body_bytes, sent_bytes             of requests with events, before and after compression
///     request_seconds                    from the start of a request to the end of its reply: buckets, sum, count
struct HECTally: Sendable {
    /// Upper bounds of the buckets. The slowest has no bound but `timeout`.
    static let bounds: [Duration] = [
        .milliseconds(5), .milliseconds(20), .milliseconds(100), .milliseconds(500), .seconds(2), .seconds(10),
        .seconds(60),
    ]

    /// Requests with events and polls that are on their way.
    private(set) var underWay = 0
    /// It is a collector: it has answered as one.
    private(set) var hasReplied = false
    private(set) var requests: [String: Int] = [:]
    private(set) var polls: [String: Int] = [:]
    private var bodyBytes = 0
    private var sentBytes = 0
    private var total = Duration.zero
    /// Requests by the first bound that holds them; the last place is for those that took longer than all.
    private var buckets = [Int](repeating: 0, count: HECTally.bounds.count + 1)

    mutating func began() { underWay += 1 }
    mutating func ended() { underWay -= 1 }

    /// - Parameters:
    ///   - bodyBytes: before compression.
    ///   - sentBytes: after it.
    mutating func noteRequest(_ result: HTTPResult, _ code: Int?, bodyBytes: Int) {
        requests[HECTally.answer(result.outcome, code), default: 0] += 1
        if code != nil { hasReplied = true }
        self.bodyBytes += bodyBytes
        sentBytes += result.requestBody.count
        total += result.duration
        buckets[HECTally.bounds.firstIndex { result.duration <= $0 } ?? HECTally.bounds.count] += 1
    }

    mutating func notePoll(_ outcome: Result<HTTPResponse, HTTPFailure>, _ code: Int?) {
        polls[HECTally.answer(outcome, code), default: 0] += 1
    }

    /// - Parameter code: one of Splunk's that we know, so that a server cannot make up ever new answers.
    private static func answer(_ outcome: Result<HTTPResponse, HTTPFailure>, _ code: Int?) -> String {
        switch outcome {
        case .failure(let failure): failure.kind.rawValue
        case .success(let response): code.map { "\(response.status)/\($0)" } ?? "\(response.status)"
        }
    }

    func figures(_ endpoint: Figure.Label) -> [Figure] {
        func counts(_ name: String, _ help: String, _ answers: [String: Int]) -> [Figure] {
            answers.sorted { $0.key < $1.key }.map { answer, count in
                Figure(.counter, name, help, by: [endpoint, .init("answer", answer)], count)
            }
        }
        var figures = counts("requests", "Requests with events, by answer.", requests)
        figures += counts("acknowledgement_polls", "Questions for acknowledgements, by answer.", polls)
        let endpoint = [endpoint]
        figures += [
            Figure(.gauge, "requests_under_way", "Requests that are not answered yet.", by: endpoint, underWay),
            Figure(
                .counter, "body_bytes", unit: .bytes, "Bytes of events, before compression.", by: endpoint, bodyBytes),
            Figure(
                .counter, "sent_bytes", unit: .bytes, "Bytes of events, as they were sent.", by: endpoint, sentBytes),
        ]
        let help = "From the start of a request to the end of its answer."
        var sum = 0
        for (place, count) in buckets.enumerated() {
            sum += count
            let bound = place < HECTally.bounds.count ? "\(HECTally.bounds[place] / .seconds(1))" : "+Inf"
            figures.append(Figure(.histogram, "request_seconds_bucket", help, by: endpoint + [.init("le", bound)], sum))
        }
        figures.append(Figure(.histogram, "request_seconds_sum", help, by: endpoint, total))
        figures.append(Figure(.histogram, "request_seconds_count", help, by: endpoint, sum))
        return figures
    }
}
