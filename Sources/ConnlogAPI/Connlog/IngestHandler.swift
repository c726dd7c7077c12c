#if Server
import ConnlogCore
import ConnlogSystem
import HTTPTypes
import Hummingbird
import NIOCore
import Synchronization

/// `POST /api/v2/connectionlog/ingest`: lines in any format that the decoder knows, JSON arrays and objects of several
/// lines, or the envelopes in which services post many lines at once; gzip allowed.
///
/// 200 means that all events are on the disk. With any other answer some may be: handing the same in again is safe,
/// since an event is known by its `ID`.
struct IngestHandler: Sendable {
    let intake: any EventIntake
    /// The only ones whose events the caller may hand in; `nil`: all.
    let organizations: [String]?
    /// Of the lines, after unpacking, and of what comes over the wire.
    let bytesMax: Int
    let clock: any WallTime
    /// How long a client may leave us waiting, beside what its bytes need.
    let timeout: Duration
    /// Called when the body is read from now on.
    let begin: @Sendable () -> Void

    /// Packed bytes are unpacked so many at a time: gzip makes at most a thousand times as many of them.
    private static let packedPiece = 4 << 10

    /// Firehose takes no other answers than its own, and comes again with all that is refused.
    func respond(_ request: Request) async throws -> Response {
        guard let id = request.headers[.firehoseRequestID] else { return try await handle(request) }
        do {
            let response = try await handle(request)
            return IngestHandler.firehose(id, response.status, nil, now: clock.now())
        } catch let error as APIError {
            return IngestHandler.firehose(id, error.status, error, now: clock.now())
        }
    }

    private static func firehose(
        _ id: String, _ status: HTTPResponse.Status, _ error: APIError?, now: Nanoseconds
    ) -> Response {
        let words = error.map { $0.message + ($0.detail.isEmpty ? "" : " " + $0.detail) }
        var response = Response.json([
            "requestId": .string(id), "timestamp": JSONValue(Int(now / 1_000_000)),
            "errorMessage": words.map { .string($0) } ?? .null,
        ])
        response.status = status
        return response
    }

    private func handle(_ request: Request) async throws -> Response {
        if let length = request.headers[.contentLength].flatMap({ Int($0) }), length > bytesMax {
            throw tooLarge(.body)
        }
        let encoding = request.headers[.contentEncoding]?.lowercased() ?? "identity"
        guard ["identity", "gzip", "x-gzip"].contains(encoding) else {
            throw APIError(
                status: .unsupportedMediaType, message: "Only gzip is known as Content-Encoding.",
                headers: [.acceptEncoding: "gzip, identity"])
        }
        let bodyTimeout = BodyTimeout(timeout)
        return try await withThrowingTaskGroup(of: Response.self) { group in
            group.addTask { try await take(request, isPacked: encoding != "identity", bodyTimeout) }
            group.addTask { throw try await bodyTimeout.end() }
            defer { group.cancelAll() }
            guard let response = try await group.next() else { throw CancellationError() }
            return response
        }
    }

    private func take(_ request: Request, isPacked: Bool, _ bodyTimeout: BodyTimeout) async throws -> Response {
        do {
            let session =
                if let organizations { try intake.begin(organizations: organizations) } else { try intake.begin() }
            begin()
            var body = IngestBody(session, bytesMax: bytesMax)
            let unpacking = isPacked ? GunzipStream() : nil
            var pieces = request.body.makeAsyncIterator()
            var wireBytes = 0
            while true {
                bodyTimeout.wait()
                var next: NIOCore.ByteBuffer?
                do { next = try await pieces.next() } catch { throw try IngestHandler.unreadable(error) }
                bodyTimeout.go(on: next?.readableBytes ?? 0)
                guard let next else { break }
                let piece = Array(next.readableBytesView)
                wireBytes += piece.count
                if wireBytes > bytesMax { throw tooLarge(.body) }
                if let unpacking {
                    try await unpack(piece, unpacking, &body)
                } else {
                    try await take(piece.span, &body)
                }
            }
            // The end of a body that somebody broke off is not its end.
            try Task.checkCancellation()
            do { try unpacking?.finish() } catch { throw IngestHandler.notGzip(error) }
            return try IngestHandler.answer(try await finish(&body), body)
        } catch let error as IntakeError {
            throw IngestHandler.answer(error)
        }
    }

    private func unpack(_ packed: [UInt8], _ stream: GunzipStream, _ body: inout IngestBody) async throws {
        for start in stride(from: 0, to: packed.count, by: IngestHandler.packedPiece) {
            let end = min(packed.count, start + IngestHandler.packedPiece)
            var bytes = ConnlogSystem.ByteBuffer()
            do {
                try stream.update(packed.span.extracting(start..<end), into: &bytes)
            } catch {
                throw IngestHandler.notGzip(error)
            }
            try await take(bytes.span, &body)
        }
    }

    private func take(_ bytes: Span<UInt8>, _ body: inout IngestBody) async throws {
        do { try await body.take(bytes) } catch let error as IngestBody.TooLarge { throw tooLarge(error) }
    }

    private func finish(_ body: inout IngestBody) async throws -> IntakeReport {
        do { return try await body.finish() } catch let error as IngestBody.TooLarge { throw tooLarge(error) }
    }

    // MARK: - Answers

    private static func unreadable(_ error: any Error) throws -> APIError {
        try Task.checkCancellation()
        return APIError(
            status: .badRequest, message: "The body cannot be read.",
            detail: "It ends early, or its chunks are not as HTTP has them.", logged: "the body: \(error)")
    }

    private static func notGzip(_ error: any Error) -> APIError {
        APIError(status: .badRequest, message: "The body is not gzip.", detail: "\(error)")
    }

    private func tooLarge(_ what: IngestBody.TooLarge) -> APIError {
        switch what {
        case .body:
            APIError(
                status: .contentTooLarge, message: "The body is too large.",
                detail: "At most \(bytesMax) bytes of lines at once; send them in parts.")
        case .document(let most):
            APIError(
                status: .contentTooLarge, message: "One record of the body is too large.",
                detail:
                    "At most \(most) bytes of one JSON document, or of what one record unpacks to, since it is kept "
                    + "whole; send its lines in several, or as they are, one event on each line.")
        }
    }

    private static func answer(_ error: IntakeError) -> APIError {
        switch error {
        case .full(let why):
            APIError(
                status: .tooManyRequests, message: "The queue takes nothing for now.", detail: why,
                headers: [.retryAfter: "5"])
        case .stopping:
            APIError(status: .serviceUnavailable, message: "connlog is stopping.", headers: [.retryAfter: "10"])
        case .failed(let why):
            APIError(
                status: .serviceUnavailable, message: "The events could not be written to the disk; send them again.",
                detail: why, headers: [.retryAfter: "5"])
        }
    }

    /// Whoever hands in events in a form of which nothing is taken would forget them, if it were told that all is well.
    private static func answer(_ report: IntakeReport, _ body: IngestBody) throws(APIError) -> Response {
        if report.accepted == 0, report.duplicates == 0, body.mentionsEvents {
            let first = report.refusals.first.map { " The first: line \($0.line), \($0.reason)." } ?? ""
            throw APIError(
                status: .badRequest, message: "The body holds 'connection_log', and no event could be taken from it.",
                detail:
                    "\(report.skipped) lines skipped, \(report.refused) refused, \(report.foreign) of other origins.\(first) "
                    + "Send an event on each line as coderd logs it, or a JSON array of such events.")
        }
        return .json([
            "accepted": JSONValue(report.accepted), "duplicates": JSONValue(report.duplicates),
            "skipped": JSONValue(report.skipped), "refused": JSONValue(report.refused),
            "foreign": JSONValue(report.foreign), "incomplete": JSONValue(report.incomplete),
            "bytes": JSONValue(body.bytes),
            "refusals": .array(report.refusals.map { ["line": JSONValue($0.line), "reason": .string($0.reason)] }),
        ])
    }
}

/// How long a body may keep us waiting: for a while, and as long as a slow line needs for its bytes.
final class BodyTimeout: Sendable {
    private struct State {
        var since: ContinuousClock.Instant?
        var waited = Duration.zero
        var bytes = 0
    }

    private static let bytesOfSecond = 4096
    private let timeout: Duration
    private let state = Mutex(State())

    init(_ timeout: Duration) { self.timeout = timeout }

    func wait(now: ContinuousClock.Instant = .now) { state.withLock { $0.since = now } }

    func go(on bytes: Int, now: ContinuousClock.Instant = .now) {
        state.withLock { state in
            if let since = state.since { state.waited += now - since }
            state.since = nil
            state.bytes += bytes
        }
    }

    func isOver(now: ContinuousClock.Instant = .now) -> Bool {
        state.withLock { state in
            guard let since = state.since else { return false }
            let allowed = timeout + .seconds(state.bytes / BodyTimeout.bytesOfSecond)
            return state.waited + (now - since) > allowed
        }
    }

    /// Returns when the body has kept us waiting too long.
    func end() async throws -> SlowBody {
        while !isOver() { try await Task.sleep(for: max(.milliseconds(20), timeout / 20)) }
        return SlowBody()
    }
}

/// A body came too slowly.
struct SlowBody: Error {}
#endif
